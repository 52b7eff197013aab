"""Signals of stimuli: loudness (ITU-R BS.1770), the low-pass anchor, fades and 16-bit samples."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..extras import require
from ..full_scale import FullScale

Signal = NDArray[np.float32]

#: loudness that stimuli get where no peak forbids it; LUFS
TARGET = -23.0
#: no sample of a stimulus is above; full scale is 1
PEAK = 10 ** (-1 / 20)
#: quieter than this a voice counts as silent; LUFS
SILENCE = -60.0
#: signals are matched in loudness this closely, in LU, unless that takes more rounds
TOLERANCE, ROUNDS = 0.005, 8
#: raised-cosine fade at both ends of a stimulus; seconds
FADE_SECONDS = 0.005
#: BS.1534-3, low anchor: passes up to 3.5 kHz within 0.1 dB, 25 dB down at 4 kHz, 50 dB at 4.5 kHz; hertz
PASS, STOP = 3500.0, 4000.0


def loudness(signal: Signal, sample_rate: int) -> float:
    """Integrated loudness in LUFS, minus infinity for silence.

    Raises:
        UserError: the signal is shorter than 0.4 s, or pyloudnorm is not installed.
    """
    require("pyloudnorm", extra="study", purpose="matching the loudness of a study")
    import pyloudnorm

    if len(signal) < round(0.4 * sample_rate):
        raise UserError(f"loudness needs at least 0.4 s of sound, not {len(signal) / sample_rate:.2f} s")
    with np.errstate(divide="ignore"):
        return float(pyloudnorm.Meter(sample_rate).integrated_loudness(np.asarray(signal, np.float64)))


def matching_gains(signals: Mapping[str, Signal], sample_rate: int) -> dict[str, float] | None:
    """One factor for each signal of an item that makes all of them equally loud, without clipping any.

    Returns:
        Factors by name; ``None`` where a signal is silent, so that no gain can match it.
    """
    levels = {name: loudness(signal, sample_rate) for name, signal in signals.items()}
    if min(levels.values()) < SILENCE:
        return None
    gains, target = dict.fromkeys(signals, 1.0), TARGET
    for _ in range(ROUNDS):
        gains = {name: gain * 10 ** ((target - levels[name]) / 20) for name, gain in gains.items()}
        loudest = max(gains[name] * float(np.abs(signal).max()) for name, signal in signals.items())
        if loudest > PEAK:
            target -= 20 * float(np.log10(loudest / PEAK))
            gains = {name: gain * PEAK / loudest for name, gain in gains.items()}
        # a gain also moves quiet blocks across the absolute gate of BS.1770, so the result is measured again
        levels = {name: loudness(signal * np.float32(gains[name]), sample_rate) for name, signal in signals.items()}
        if max(abs(level - target) for level in levels.values()) < TOLERANCE:
            break
    return gains


def low_pass(signal: Signal, sample_rate: int) -> Signal:
    """The 3.5 kHz anchor of BS.1534-3, without delay.

    Raises:
        UserError: the sample rate is too low to tell the anchor from the original.
    """
    from scipy.signal import firwin, kaiserord, oaconvolve

    if sample_rate < 2 * STOP + 1:
        raise UserError(f"a 3.5 kHz anchor needs a sample rate above 8000 Hz, not {sample_rate} Hz: use another ladder")
    taps, beta = kaiserord(60.0, (STOP - PASS) / (sample_rate / 2))
    kernel = firwin(taps | 1, (PASS + STOP) / 2, window=("kaiser", beta), fs=sample_rate)
    half = len(kernel) // 2
    filtered = oaconvolve(np.pad(np.asarray(signal, np.float64), half), kernel, mode="valid")
    return np.asarray(filtered, np.float32)


def faded(signal: Signal, sample_rate: int) -> Signal:
    """The signal with a raised-cosine fade at both ends."""
    length = min(round(FADE_SECONDS * sample_rate), len(signal) // 2)
    rise = (0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / length)).astype(np.float32)
    window = np.ones(len(signal), np.float32)
    window[:length], window[len(signal) - length :] = rise, rise[::-1]
    return np.asarray(signal * window, np.float32)


def wave_bytes(signal: Signal, sample_rate: int) -> bytes:
    """A 16-bit WAV file; its size depends on the length only, so it says nothing about the content.

    Raises:
        UserError: a sample is beyond full scale; a stimulus that is clipped would be judged for that.
    """
    import soundfile

    full_scale, file = FullScale(), BytesIO()
    full_scale(signal)
    if (note := full_scale.note("a stimulus", "make it quieter")) is not None:
        raise UserError(note)
    rounded = np.clip(np.rint(np.asarray(signal, np.float64) * 32768), -32768, 32767).astype(np.int16)
    soundfile.write(file, rounded, sample_rate, subtype="PCM_16", format="WAV")
    return file.getvalue()


def samples_of(content: bytes, where: str) -> tuple[Signal, int]:
    """Samples and sample rate of a WAV file in memory.

    Raises:
        UserError: the content is no WAV file with one channel.
    """
    import soundfile

    try:
        signal, rate = soundfile.read(BytesIO(content), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise UserError(f"{where} is no WAV file ({error}): get the study again") from error
    if signal.shape[1] != 1:
        raise UserError(f"{where} has {signal.shape[1]} channels, expected one: get the study again")
    return np.ascontiguousarray(signal[:, 0]), int(rate)
