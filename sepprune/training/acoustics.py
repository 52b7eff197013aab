"""What happens to voices on their way into a recording. Signals are float32, ``(samples,)`` or ``(rows, samples)``."""

from __future__ import annotations

import numpy as np
from scipy.signal import oaconvolve, sosfilt

from ..data.corpus import SAMPLE_RATE, Signal

#: fade in and out of a voice that starts or stops in the middle of a mixture, in samples
_FADE = SAMPLE_RATE // 100
#: what comes later after the direct sound than this is late, and no part of a reference, in samples
EARLY = SAMPLE_RATE // 20
#: where talkers are moved: how much louder or softer the late part becomes, in dB ...
LATE_DB = (-6.0, 10.0)
#: ... and by how much one talker may be louder than the other
UNEQUAL_DB = 10.0


def level(signal: Signal) -> float:
    """Root mean square in dB re full scale."""
    return 10 * float(np.log10(np.square(signal, dtype=np.float64).mean() + 1e-10))


def gains(signals: Signal, *levels_db: float) -> Signal:
    """Factors that bring each row to its level; a silent row stays silent."""
    now = np.array([level(signal) for signal in signals])
    return np.where(now > -90, 10 ** ((np.array(levels_db) - now) / 20), 0.0).astype(np.float32)


def reverberated(voices: Signal, responses: list[Signal], early: int) -> tuple[Signal, Signal]:
    """Voices as a microphone in the room hears them, and the part of it that comes straight or early.

    Args:
        voices: ``(rows, samples)``.
        responses: an impulse response a voice.
        early: samples of a response that count as direct sound and early reflections.
    """
    length = voices.shape[1]
    direct = np.stack(
        [oaconvolve(voice, response[:early])[:length] for voice, response in zip(voices, responses, strict=True)]
    ).astype(np.float32)
    heard = direct.copy()
    for row, voice, response in zip(heard, voices, responses, strict=True):
        if len(response) > early:
            row[early:] += oaconvolve(voice, response[early:])[:length][: max(0, length - early)]
    return heard, direct


def moved(responses: list[Signal], random: np.random.Generator) -> list[Signal]:
    """Impulse responses of a room as if its talkers sat elsewhere: nearer or farther, one more than the other.

    A few measured rooms and some simulated ones hold fewer places than life has. The late part of all responses
    becomes louder or softer by :data:`LATE_DB`, their first 10 ms stay and what lies between changes gradually; one
    becomes up to :data:`UNEQUAL_DB` louder against the other.

    Args:
        responses: of two voices.
        random: source of chance.
    """
    late, unequal = random.uniform(*LATE_DB), random.uniform(-UNEQUAL_DB, UNEQUAL_DB)
    return [
        response * 10 ** ((late * late_share(len(response)) + gain) / 20)
        for response, gain in zip(responses, (unequal / 2, -unequal / 2), strict=True)
    ]


def activity(kind: str, length: int, random: np.random.Generator) -> Signal:
    """When two voices speak, ones and zeros with short fades, ``(2, length)``.

    Args:
        kind: ``single`` (one voice only), ``partial_overlap`` (one starts late or ends early, by up to half the
            length) or ``turns`` (stretches of 0.3 to 2 s in which one, the other, both or nobody speaks).
        length: samples.
        random: source of chance.
    """
    speaks = np.ones((2, length), np.float32)
    someone = random.integers(2)
    if kind == "single":
        speaks[someone] = 0
        return speaks
    if kind == "partial_overlap":
        silent = random.integers(1, max(2, length // 2))
        speaks[someone, slice(silent) if random.random() < 0.5 else slice(length - silent, None)] = 0
    elif kind == "turns":
        position = 0
        while position < length:
            until = position + int(random.uniform(0.3, 2.0) * SAMPLE_RATE)
            speaks[:, position:until] = np.array([(1, 0), (0, 1), (1, 1), (0, 0)])[
                random.choice(4, p=(0.35, 0.35, 0.2, 0.1))
            ][:, None]
            position = until
    ramp = np.ones(_FADE) / _FADE
    return np.stack(
        [
            np.convolve(np.pad(row, (_FADE // 2, _FADE - _FADE // 2 - 1), mode="edge"), ramp, mode="valid")
            for row in speaks
        ]
    ).astype(np.float32)


def coloured_noise(length: int, random: np.random.Generator) -> Signal:
    """Stationary noise whose spectrum falls by 0 (white) to 6 dB (brown) an octave, at any level."""
    spectrum = np.fft.rfft(random.standard_normal(length))
    frequencies = np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), 50.0)
    noise = np.fft.irfft(spectrum * frequencies ** -random.uniform(0.0, 1.0), length)
    return (noise / np.abs(noise).max()).astype(np.float32)


def coloured(signals: Signal, random: np.random.Generator) -> Signal:
    """All rows through one microphone: a first-order shelf of up to 8 dB either way, and a low cut below 200 Hz."""
    corner, boost = np.exp(random.uniform(np.log(300), np.log(4000))), random.uniform(-8.0, 8.0)
    shelf = _first_order(np.tan(np.pi * corner / SAMPLE_RATE), 10 ** (boost / 20), 1.0)
    cut = _first_order(np.tan(np.pi * random.uniform(20.0, 200.0) / SAMPLE_RATE), 1.0, 0.0)
    return sosfilt(np.array([shelf, cut]), signals, axis=-1).astype(np.float32)


def late_share(length: int) -> Signal:
    """How much of a change of the late part, in dB, each sample of a response takes on: none at first, then all."""
    return np.clip((np.arange(length) - _FADE) / (EARLY - _FADE), 0.0, 1.0).astype(np.float32)


def _first_order(corner: float, high: float, low: float) -> list[float]:
    """``(high s + low w) / (s + w)`` by the bilinear transform; ``corner`` is ``tan(w / 2)``."""
    return [
        (high + low * corner) / (1 + corner),
        (low * corner - high) / (1 + corner),
        0.0,
        1.0,
        (corner - 1) / (1 + corner),
        0.0,
    ]


def clipped(signal: Signal, random: np.random.Generator) -> Signal:
    """Hard limits at the level that the loudest 0.05 to 1 % of the samples exceed."""
    limit = np.quantile(np.abs(signal), 1 - random.uniform(0.0005, 0.01))
    return np.clip(signal, -limit, limit)
