"""Rendering scenes with torch, a whole batch at once: on a GPU faster than processors can.

The result is that of :mod:`~.render`, except that impulse responses end after 1.1 s and voices are resampled by another
interpolation. No step depends on values and every batch has the same shapes, so a CUDA graph can capture all of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.corpus import SAMPLE_RATE
from .acoustics import EARLY, FADE
from .formants import move_formants
from .render import noise_signal, responses
from .scenes import TURN, Colour, Scene
from .settings import MixtureSettings
from .sounds import Sounds

#: samples of an impulse response that are used
RESPONSE = 17_920
#: samples after which filters of microphones have died away
_RINGING = 4096
#: a microphone that changes nothing
_FLAT = Colour(1000.0, 0.0, 0.0)


class SceneBatch(NamedTuple):
    """Scenes as tensors of fixed shapes; ``batch`` rows unless noted otherwise.

    Args:
        voices: excerpts before resampling, int16, ``(batch, 2, longest)``.
        speed, formants, voice_levels_db: see :class:`~.scenes.Voice`, ``(batch, 2)``; speed is float64.
        voice_colours: corner, boost in dB and cut, ``(batch, 2, 3)``.
        stops: see :class:`~.scenes.Activity`, ``(batch, stretches)``.
        speaking: 1 or 0, ``(batch, 2, stretches)``.
        responses: ``(batch, 2, RESPONSE)``, or of length 1 where the settings have no rooms.
        noise: at any level, ``(batch, samples)``.
        snr_db, level_db, clip: see :class:`~.scenes.Scene`, ``(batch,)``.
        colours: as ``voice_colours``, ``(batch, 3)``.
    """

    voices: Tensor
    speed: Tensor
    formants: Tensor
    voice_levels_db: Tensor
    voice_colours: Tensor
    stops: Tensor
    speaking: Tensor
    responses: Tensor
    noise: Tensor
    snr_db: Tensor
    level_db: Tensor
    clip: Tensor
    colours: Tensor


def scene_batch(scenes: Sequence[Scene], sounds: Sounds, settings: MixtureSettings) -> SceneBatch:
    """Scenes, with the excerpts of recordings that they need, as tensors on the processor."""
    count, length = len(scenes), settings.samples
    voices = np.zeros((count, 2, int(length * (1 + settings.speed)) + 2), np.int16)
    stretches = math.ceil(length / int(TURN[0] * SAMPLE_RATE)) + 1
    stops = np.full((count, stretches), length)
    speaks = np.zeros((count, stretches, 2), np.float32)
    taps = np.zeros((count, 2, RESPONSE if settings.room else 1), np.float32)
    taps[..., 0] = 1
    noise = np.zeros((count, length), np.float32)
    for row, scene in enumerate(scenes):
        for place, voice in zip(voices[row], scene.voices, strict=True):
            samples = np.concatenate([sounds.speech.samples[start:stop] for start, stop in voice.spans])
            place[: len(samples)] = samples[: len(place)]
        stops[row, : len(scene.activity.stops)] = scene.activity.stops
        speaks[row, : len(scene.activity.stops)] = scene.activity.speaking
        if scene.room is not None:
            for place, response in zip(taps[row], responses(scene.room, sounds), strict=True):
                place[:] = 0
                place[: len(response)] = response[:RESPONSE]
        if scene.noise is not None:
            noise[row] = noise_signal(scene.noise, sounds, length)

    def numbers(values: Sequence[object], kind: torch.dtype = torch.float32) -> Tensor:
        return torch.tensor(values, dtype=kind)

    return SceneBatch(
        torch.from_numpy(voices),
        numbers([[voice.speed for voice in scene.voices] for scene in scenes], torch.float64),
        numbers([[voice.formants for voice in scene.voices] for scene in scenes]),
        numbers([[voice.level_db for voice in scene.voices] for scene in scenes]),
        numbers([[_numbers(voice.colour) for voice in scene.voices] for scene in scenes]),
        torch.from_numpy(stops),
        torch.from_numpy(np.ascontiguousarray(speaks.transpose(0, 2, 1))),
        torch.from_numpy(taps),
        torch.from_numpy(noise),
        numbers([scene.noise.snr_db if scene.noise else 0.0 for scene in scenes]),
        numbers([scene.level_db for scene in scenes]),
        numbers([scene.clip for scene in scenes]),
        numbers([_numbers(scene.colour) for scene in scenes]),
    )


def render_batch(scenes: SceneBatch, moves_formants: bool = True) -> tuple[Tensor, Tensor]:
    """Mixtures, ``(batch, samples)``, and references, ``(batch, 2, samples)``, on the device of the scenes.

    Args:
        scenes: from :func:`scene_batch`.
        moves_formants: whether any voice of any batch has moved formants; saves time where none has.
    """
    length = scenes.noise.shape[1]
    frequency = _frequencies(length + max(_RINGING, scenes.responses.shape[2]), scenes.noise)
    voices = faster(scenes.voices.float() / 32768, scenes.speed, length)
    if moves_formants:
        voices = move_formants(voices.flatten(0, 1), scenes.formants.flatten()).view_as(voices)
    voices = _filtered(voices, _response(scenes.voice_colours, frequency))
    voices = voices * _gains(voices, scenes.voice_levels_db).unsqueeze(-1)
    voices = voices * speaking(scenes.stops, scenes.speaking, length)
    spectrum = torch.fft.rfft(voices, _size(frequency))
    early = F.pad(scenes.responses[..., :EARLY], (0, max(0, scenes.responses.shape[2] - EARLY)))
    recorded, references = (
        torch.fft.irfft(spectrum * torch.fft.rfft(taps, _size(frequency)), _size(frequency))[..., :length]
        for taps in (scenes.responses, early)
    )
    mixture = recorded.sum(1)
    noise_gain = _gains(scenes.noise, _level(mixture) - scenes.snr_db)
    mixture = mixture + scenes.noise * noise_gain.unsqueeze(-1)
    signals = torch.cat([mixture.unsqueeze(1), references], 1)
    signals = _filtered(signals, _response(scenes.colours, frequency).unsqueeze(1))
    peak = signals[:, 0].abs().amax(1).clamp_min(1e-9)
    gain = torch.minimum(10 ** ((scenes.level_db - _level(signals[:, 0])) / 20), 0.99 / peak)
    signals = signals * gain[:, None, None]
    return clipped(signals[:, 0], scenes.clip), signals[:, 1:].contiguous()


def faster(voices: Tensor, speed: Tensor, length: int) -> Tensor:
    """Voices played ``speed`` times as fast, without what would be above half the sample rate.

    The spectrum is limited and doubled in length; cubic Lagrange interpolation reads between the doubled samples.

    Shape:
        - voices: ``(..., samples)``; speed: ``(...)``; result: ``(..., length)``
    """
    samples = voices.shape[-1]
    samples += samples % 2
    spectrum = torch.fft.rfft(voices, samples)
    bins = torch.arange(spectrum.shape[-1], device=voices.device)
    spectrum = spectrum * (bins * speed.clamp_min(1.0).unsqueeze(-1) < samples / 2)
    doubled = 2 * torch.fft.irfft(spectrum, 2 * samples)
    time = torch.arange(length, device=voices.device, dtype=torch.float64)
    position = 2 * speed.unsqueeze(-1) * time
    whole = position.floor()
    x = (position - whole).float()
    before, here, after, last = (
        doubled.gather(-1, (whole.long() + shift).clamp(0, 2 * samples - 1)) for shift in (-1, 0, 1, 2)
    )
    result: Tensor = -x * (x - 1) * (x - 2) / 6 * before
    result = result + (x + 1) * (x - 1) * (x - 2) / 2 * here
    result = result - (x + 1) * x * (x - 2) / 2 * after
    result = result + (x + 1) * x * (x - 1) / 6 * last
    return result


def speaking(stops: Tensor, speaks: Tensor, length: int) -> Tensor:
    """As :func:`~.acoustics.speaking`, ``(batch, 2, length)``; see :class:`SceneBatch` for the arguments."""
    time = torch.arange(length, device=stops.device).expand(len(stops), length).contiguous()
    stretch = torch.searchsorted(stops, time, right=True).clamp_max(stops.shape[1] - 1)
    hard = speaks.gather(2, stretch.unsqueeze(1).expand(-1, 2, -1))
    faded: Tensor = F.avg_pool1d(F.pad(hard, (FADE // 2, FADE - FADE // 2 - 1), mode="replicate"), FADE, 1)
    return faded


def clipped(signals: Tensor, share: Tensor) -> Tensor:
    """As :func:`~.acoustics.clipped`, of each row; a share is at most 1 %."""
    largest = signals.abs().topk(math.ceil(0.01 * signals.shape[1]) + 1).values
    place = share.unsqueeze(-1) * (signals.shape[1] - 1)
    below = place.floor().long().clamp_max(largest.shape[1] - 2)
    limit = torch.lerp(largest.gather(1, below), largest.gather(1, below + 1), place - below)
    return torch.minimum(torch.maximum(signals, -limit), limit)


def _numbers(colour: Colour | None) -> tuple[float, float, float]:
    colour = colour or _FLAT
    return colour.corner, colour.boost_db, colour.cut


def _frequencies(samples: int, like: Tensor) -> Tensor:
    """Bins in hertz of a fast Fourier transform that is long enough for this many samples."""
    size = 2 ** math.ceil(math.log2(samples / 5)) * 5
    if size // 5 * 4 >= samples:
        size = size // 5 * 4
    bins: Tensor = torch.arange(size // 2 + 1, device=like.device) * (SAMPLE_RATE / size)
    return bins


def _size(frequency: Tensor) -> int:
    return 2 * (len(frequency) - 1)


def _response(colours: Tensor, frequency: Tensor) -> Tensor:
    """Frequency response of microphones, as the filters of :func:`~.acoustics.coloured` have it, ``(..., bins)``."""
    # the bilinear transform maps frequencies to s = j tan(w / 2)
    s = torch.tan(math.pi * frequency.clamp_max(0.4999 * SAMPLE_RATE) / SAMPLE_RATE)
    corner, boost, cut = colours.unsqueeze(-1).unbind(-2)
    corner, cut = (torch.tan(math.pi * edge / SAMPLE_RATE) for edge in (corner, cut))
    tiny = 1e-9  # so that the high-pass is 1, not 0 / 0, where there is no cut
    shelf = (corner + 1j * 10 ** (boost / 20) * s) / (corner + 1j * s)
    high_pass = (tiny + 1j * s) / (cut + tiny + 1j * s)
    return shelf * high_pass


def _filtered(signals: Tensor, response: Tensor) -> Tensor:
    size = 2 * (response.shape[-1] - 1)
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(signals, size) * response, size)[..., : signals.shape[-1]]
    return filtered


def _level(signals: Tensor) -> Tensor:
    """Root mean square in dB re full scale."""
    return 10 * torch.log10(signals.square().mean(-1) + 1e-10)


def _gains(signals: Tensor, levels_db: Tensor) -> Tensor:
    """Factors that bring signals to their levels; 0 for silent ones."""
    now = _level(signals)
    return 10 ** ((levels_db - now) / 20) * (now > -90)
