"""Computes the columns of a spectrogram as the sound arrives."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...engine.arrays import Samples

#: levels in dB, relative to a full-scale sine, that have the first and the last colour
FLOOR_DB, CEILING_DB = -86.0, -18.0


class SpectrogramColumns:
    """Short-time spectra on a mel axis, as uint8 columns.

    Args:
        sources: number of signals.
        sample_rate: in hertz.
        rows: height of a column in pixels.
        hop: samples between two columns.
    """

    def __init__(self, sources: int, sample_rate: int, rows: int, hop: int) -> None:
        self.hop = hop
        self.size = 1 << round(np.log2(0.032 * sample_rate))
        window = np.hanning(self.size + 1)[:-1]
        self._window = (window / (window.sum() / 2)).astype(np.float32)
        self._bands = _Bands(rows, self.size, sample_rate)
        self._rows = rows
        self._pending = np.zeros((sources, self.size - hop), dtype=np.float32)

    def feed(self, audio: Samples) -> NDArray[np.uint8]:
        """Turn audio ``(sources, n)`` into columns ``(sources, rows, m)``; the top row is the highest frequency."""
        signal = np.concatenate([self._pending, audio], axis=1)
        count = max(0, (signal.shape[1] - self.size) // self.hop + 1)
        self._pending = signal[:, count * self.hop :]
        if count == 0:
            return np.zeros((audio.shape[0], self._rows, 0), dtype=np.uint8)
        frames = np.lib.stride_tricks.sliding_window_view(signal, self.size, axis=1)[:, : count * self.hop : self.hop]
        spectrum = np.fft.rfft(frames * self._window, axis=2)
        power = self._bands.mean(spectrum.real**2 + spectrum.imag**2)
        decibels = 10 * np.log10(np.maximum(power, 1e-12))
        scaled = np.clip((decibels - FLOOR_DB) * (255 / (CEILING_DB - FLOOR_DB)), 0, 255)
        columns: NDArray[np.uint8] = scaled.astype(np.uint8).transpose(0, 2, 1)
        return columns


def frequency_position(frequency: float, sample_rate: int) -> float:
    """Height of a frequency (Hz) in the image: 0 at the bottom, 1 at half the sample rate, on the mel scale."""
    return math.log1p(frequency / 700) / math.log1p(sample_rate / 1400)


class _Bands:
    """Averages spectral bins over pixel rows of equal height on the mel scale, the top row first.

    The cumulative sum over the bins is read at the edges of each row. Its cost does not depend on the height, and it
    does not use the threads of a linear algebra library, as a matrix product would.
    """

    def __init__(self, rows: int, size: int, sample_rate: int) -> None:
        edges = 700 * np.expm1(np.linspace(1, 0, rows + 1) * np.log1p(sample_rate / 1400)) * size / sample_rate
        centres, half = (edges[:-1] + edges[1:]) / 2, np.maximum(0.5, (edges[:-1] - edges[1:]) / 2)
        bins = size // 2 + 1
        upper, lower = (np.clip(centres + sign * half + 0.5, 0, bins) for sign in (1, -1))  # bin k covers k to k + 1
        self._width = upper - lower
        self._places = [
            (np.minimum(edge.astype(int), bins - 1), edge - np.minimum(edge.astype(int), bins - 1))
            for edge in (upper, lower)
        ]

    def mean(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average power ``(..., bins)`` into ``(..., rows)``."""
        total = np.zeros((*power.shape[:-1], power.shape[-1] + 1))
        np.cumsum(power, axis=-1, out=total[..., 1:])
        upper, lower = (total[..., whole] + part * power[..., whole] for whole, part in self._places)
        means: NDArray[np.float64] = (upper - lower) / self._width
        return means
