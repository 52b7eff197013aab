"""A streaming resampler for devices, with a delay of 1.5 ms.

Files are resampled by soxr. For a device its delay is too long: fed with 8 ms chunks from 48 to 16 kHz,
``soxr.ResampleStream`` 1.1 delayed the sound by up to 36 ms (HQ) or 20 ms (LQ), in bursts, and in variable-rate mode by
a constant 12.5 ms, with another 15 ms at the output. Together that is more than a separator's own 16 ms. The short
polyphase filter here gives up the top of the band for less delay.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .arrays import Samples

#: zero crossings of the sinc on either side, at the lower of both rates: the delay
CROSSINGS = 24

#: cutoff as a fraction of the lower rate's Nyquist frequency
ROLL_OFF = 0.94

#: shape of the Kaiser window: frequencies well above the band are attenuated by 60 dB
KAISER_BETA = 6.2


class Resampler:
    """Streaming resampler by a rational factor.

    Args:
        rate_in, rate_out: in hertz. Where they are equal, sound passes unchanged.
        channels: of every block.

    >>> resampler = Resampler(48_000, 16_000, channels=1)
    >>> sum(len(resampler(np.zeros((384, 1), np.float32))) for _ in range(125))
    15976
    """

    def __init__(self, rate_in: int, rate_out: int, channels: int) -> None:
        self.rate_in, self.rate_out = rate_in, rate_out
        common = math.gcd(rate_in, rate_out)
        self._up, self._down = rate_out // common, rate_in // common
        self._half = math.ceil(CROSSINGS * max(1.0, rate_in / rate_out))
        self._filters = _filters(self._up, self._half, min(1.0, rate_out / rate_in))
        # an output at input position p depends on the inputs from floor(p) - half + 1 to floor(p) + half
        self._past = np.zeros((self._half - 1, channels), np.float32)
        self._next = 0  # position of the next output, in input samples / up, from the first new input

    @property
    def delay_ms(self) -> float:
        """Delay in milliseconds: half the length of the filter."""
        return 0.0 if self._up == self._down else 1000.0 * self._half / self.rate_in

    def __call__(self, block: Samples) -> Samples:
        """Resample the next ``(samples, channels)``; the number of output samples may vary by one."""
        if self._up == self._down:
            return block
        signal = np.concatenate([self._past, block])
        usable = len(signal) - 2 * self._half + 1  # windows, each for the outputs between two inputs
        count = max(0, -(-(usable * self._up - self._next) // self._down))
        positions = self._next + self._down * np.arange(count)
        starts, phases = positions // self._up, positions % self._up
        consumed = max(0, usable)
        self._next += count * self._down - consumed * self._up
        self._past = signal[consumed:]
        if not count:
            return np.zeros((0, block.shape[1]), np.float32)
        windows = sliding_window_view(signal, 2 * self._half, axis=0)[starts]
        resampled: Samples = np.einsum("nct,nt->nc", windows, self._filters[phases])
        return resampled


def _filters(phases: int, half: int, cutoff: float) -> Samples:
    """Kaiser-windowed sincs, one for every position between two inputs, each summing to one.

    Shape:
        - result: ``(phases, 2 * half)``
    """
    offsets = np.arange(-half + 1, half + 1) - np.arange(phases)[:, None] / phases
    cutoff *= ROLL_OFF
    inside = np.sqrt(np.clip(1.0 - (offsets / half) ** 2, 0.0, None))
    taps = np.sinc(cutoff * offsets) * np.i0(KAISER_BETA * inside)
    normalised: Samples = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised
