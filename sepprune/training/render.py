"""Rendering scenes on the processor, one mixture at a time."""

from __future__ import annotations

import numpy as np
import torch

from ..data.sound import Signal, resampled
from .acoustics import clipped, coloured, gains, level, moved, reverberated, sloped_noise, speaking
from .formants import move_formants
from .scenes import Noise, Room, Scene, Voice
from .sounds import Sounds, excerpt


def render(scene: Scene, sounds: Sounds) -> tuple[Signal, Signal]:
    """A mixture, ``(samples,)``, and its references, ``(2, samples)``.

    In a room, the references are the direct sound and the early reflections. A clipped mixture has references that are
    not clipped.
    """
    length = scene.activity.stops[-1]
    voices = np.stack([_voice(voice, sounds, length) for voice in scene.voices])
    voices *= gains(voices, *(voice.level_db for voice in scene.voices))[:, None]
    voices *= speaking(scene.activity)
    recorded = references = voices
    if scene.room is not None:
        recorded, references = reverberated(voices, responses(scene.room, sounds))
    mixture = recorded.sum(axis=0)
    if scene.noise is not None:
        noise = noise_signal(scene.noise, sounds, length)
        mixture = mixture + noise * gains(noise[None], level(mixture) - scene.noise.snr_db)
    signals = np.concatenate([mixture[None], references])
    if scene.colour is not None:
        signals = coloured(signals, scene.colour)
    gain = 10 ** ((scene.level_db - level(signals[0])) / 20)
    signals = signals * min(gain, 0.99 / max(float(np.abs(signals[0]).max()), 1e-9))
    if scene.clip:
        signals[0] = clipped(signals[0], scene.clip)
    return signals[0].astype(np.float32), signals[1:].astype(np.float32)


def responses(room: Room, sounds: Sounds) -> list[Signal]:
    """The impulse response of each talker."""
    assert sounds.rooms is not None, "the scene was drawn from other sounds"
    found = [excerpt(sounds.rooms, span) for span in room.responses]
    if not room.late_db and not any(room.gains_db):
        return found
    return [moved(response, room.late_db, gain) for response, gain in zip(found, room.gains_db, strict=True)]


def noise_signal(noise: Noise, sounds: Sounds, length: int) -> Signal:
    """Background noise at any level."""
    if noise.span is None:
        return sloped_noise(noise.white, noise.slope)
    assert sounds.noise is not None, "the scene was drawn from other sounds"
    piece = excerpt(sounds.noise, noise.span)
    return np.resize(piece, length) if len(piece) else np.zeros(length, np.float32)


def _voice(voice: Voice, sounds: Sounds, length: int) -> Signal:
    # soxr's next lower quality is not faster, and removes what is above 6.4 kHz, which live voices have
    played = resampled(excerpt(sounds.speech, *voice.spans), voice.speed, 1.0, quality="MQ")[:length]
    signal: Signal = np.pad(played, (0, length - len(played)))
    if voice.formants != 1.0:
        signal = move_formants(torch.from_numpy(signal)[None], torch.tensor([voice.formants]))[0].numpy()
    return signal if voice.colour is None else coloured(signal, voice.colour)
