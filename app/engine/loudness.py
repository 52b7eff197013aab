"""Loudness of what is heard (the K-weighting of ITU-R BS.1770), to make two levels equally loud on a live stream."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .arrays import Samples

#: quieter sound has no loudness that could be matched; LUFS
SILENCE = -60.0

#: the two filters of BS.1770: frequency in hertz, quality, gain in dB of the shelf (``None``: a high-pass filter)
_FILTERS = ((1681.974450955533, 0.7071752369554196, 3.999843853973347), (38.13547087602444, 0.5003270373238773, None))


def loudness(channels: Samples, sample_rate: int) -> float:
    """Loudness of ``(channels, samples)`` in LUFS without gating; minus infinity for silence.

    Pauses are not gated out: sounds that are compared have the same ones.
    """
    samples = channels.shape[-1]
    spectrum = np.abs(np.fft.rfft(channels, axis=-1)) ** 2
    spectrum[..., 1:-1] *= 2  # the negative frequencies
    weights = _weights(np.fft.rfftfreq(samples, 1 / sample_rate).astype(np.float64), sample_rate)
    power = float((spectrum * weights).sum()) / samples**2
    return -0.691 + 10 * math.log10(power) if power > 0 else -math.inf


def matching_gains(levels: Sequence[float]) -> tuple[float, ...] | None:
    """Gains in dB, none above 0, that make sounds of these loudnesses equally loud; ``None`` where one is silent."""
    if min(levels) < SILENCE:
        return None
    return tuple(min(levels) - level for level in levels)


def _weights(frequencies: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """Power response of the K-weighting at these frequencies."""
    z = np.exp(-2j * np.pi * frequencies / sample_rate)
    weights = np.ones(len(frequencies))
    for frequency, quality, gain in _FILTERS:
        k = math.tan(math.pi * frequency / sample_rate)
        under = (1 + k / quality + k * k, 2 * (k * k - 1), 1 - k / quality + k * k)
        if gain is None:
            over = (under[0], -2 * under[0], under[0])
        else:
            high = 10 ** (gain / 20)
            band = high**0.4996667741545416
            over = (high + band * k / quality + k * k, 2 * (k * k - high), high - band * k / quality + k * k)
        top, bottom = (one[0] + one[1] * z + one[2] * z * z for one in (over, under))
        weights *= np.abs(top / bottom) ** 2
    return weights
