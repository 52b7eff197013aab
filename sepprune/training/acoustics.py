"""Operations on signals on the processor. Signals are float32, ``(samples,)`` or ``(rows, samples)``.

Nothing here is random: what is drawn is in :mod:`~.scenes`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve, sosfilt

from ..data.corpus import SAMPLE_RATE
from ..data.sound import Signal
from .scenes import Activity, Colour

#: fade of a voice that starts or stops inside a mixture, in samples
FADE = SAMPLE_RATE // 100
#: sound that arrives later than this after the direct sound is late and no part of a reference, in samples
EARLY = SAMPLE_RATE // 20
#: lowest frequency at which the spectrum of synthetic noise still rises towards low frequencies, in hertz
_FLAT_BELOW = 50.0


def level(signal: Signal) -> float:
    """Root mean square in dB re full scale."""
    return 10 * float(np.log10(np.square(signal, dtype=np.float64).mean() + 1e-10))


def gains(signals: Signal, *levels_db: float) -> Signal:
    """Factors that bring each row to its level; 0 for silent rows."""
    now = np.array([level(signal) for signal in signals])
    return np.where(now > -90, 10 ** ((np.array(levels_db) - now) / 20), 0.0).astype(np.float32)


def reverberated(voices: Signal, responses: list[Signal], early: int = EARLY) -> tuple[Signal, Signal]:
    """Voices as a microphone in the room records them, and the direct sound and early reflections alone.

    Args:
        voices: ``(rows, samples)``.
        responses: one impulse response per voice.
        early: samples of a response that count as direct sound and early reflections.
    """
    length = voices.shape[1]
    direct: Signal = np.stack(
        [oaconvolve(voice, response[:early])[:length] for voice, response in zip(voices, responses, strict=True)]
    ).astype(np.float32)
    recorded = direct.copy()
    for row, voice, response in zip(recorded, voices, responses, strict=True):
        if len(response) > early:
            row[early:] += oaconvolve(voice, response[early:])[:length][: max(0, length - early)]
    return recorded, direct


def moved(response: Signal, late_db: float, gain_db: float) -> Signal:
    """An impulse response as if the talker were at another distance.

    A few measured rooms and some simulated ones have fewer places than real life. The first 10 ms change by
    ``gain_db``, what comes after :data:`EARLY` by ``late_db`` more, and the change between is gradual.
    """
    gain_db_by_sample = late_db * late_share(len(response)) + gain_db
    return (response * 10 ** (gain_db_by_sample / 20)).astype(np.float32)


def late_share(length: int) -> Signal:
    """Weight of the change of the late reverberation at each sample of a response, from 0 to 1."""
    return np.clip((np.arange(length) - FADE) / (EARLY - FADE), 0.0, 1.0).astype(np.float32)


def speaking(activity: Activity) -> Signal:
    """Factors that silence two voices where they do not speak, with short fades, ``(2, samples)``."""
    starts = (0, *activity.stops[:-1])
    lengths = [stop - start for start, stop in zip(starts, activity.stops, strict=True)]
    hard = np.repeat(np.array(activity.speaking), lengths, axis=0).T
    padded = np.pad(hard, ((0, 0), (FADE // 2 + 1, FADE - FADE // 2 - 1)), mode="edge")
    total = padded.cumsum(axis=1)
    faded: Signal = ((total[:, FADE:] - total[:, :-FADE]) / FADE).astype(np.float32)
    return faded


def sloped_noise(white: NDArray[np.float64], slope: float) -> Signal:
    """Stationary noise with a peak of 1, whose spectrum falls by ``slope`` times 6 dB per octave."""
    frequencies = np.maximum(np.fft.rfftfreq(len(white), 1 / SAMPLE_RATE), _FLAT_BELOW)
    noise = np.fft.irfft(np.fft.rfft(white) * frequencies**-slope, len(white))
    scaled: Signal = (noise / np.abs(noise).max()).astype(np.float32)
    return scaled


def coloured(signals: Signal, colour: Colour) -> Signal:
    """All rows through one microphone."""
    shelf = _first_order(np.tan(np.pi * colour.corner / SAMPLE_RATE), 10 ** (colour.boost_db / 20), 1.0)
    cut = _first_order(np.tan(np.pi * colour.cut / SAMPLE_RATE), 1.0, 0.0)
    filtered: Signal = sosfilt(np.array([shelf, cut]), signals, axis=-1).astype(np.float32)
    return filtered


def clipped(signal: Signal, share: float) -> Signal:
    """A signal limited to the magnitude that this share of its samples exceeds."""
    limit = np.quantile(np.abs(signal), 1 - share)
    result: Signal = np.clip(signal, -limit, limit)
    return result


def _first_order(corner: float, high: float, low: float) -> list[float]:
    """``(high s + low w) / (s + w)`` as a second-order section; ``corner`` is ``tan(w / 2)`` (bilinear transform)."""
    return [
        (high + low * corner) / (1 + corner),
        (low * corner - high) / (1 + corner),
        0.0,
        1.0,
        (corner - 1) / (1 + corner),
        0.0,
    ]
