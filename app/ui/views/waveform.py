"""Computes the columns of a waveform: the least and the greatest sample of each step of time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...engine.arrays import Samples
from ..theme import PURE

#: amplitudes that the upper edge of the view can stand for
FULL_SCALES = (1.0, 0.5, 0.25, 0.1, 0.05)


class WaveformColumns:
    """Filled envelopes from minimum to maximum, as uint8 columns with smooth edges.

    Args:
        sources: number of signals.
        rows: height of a column in pixels.
        hop: samples in a column.
        full_scale: amplitude at the upper edge.
    """

    def __init__(self, sources: int, rows: int, hop: int, full_scale: float = 1.0) -> None:
        self.hop, self.rows, self.full_scale = hop, rows, full_scale
        self._pending = np.zeros((sources, 0), dtype=np.float32)

    def feed(self, audio: Samples) -> NDArray[np.uint8]:
        """Turn audio ``(sources, n)`` into columns ``(sources, rows, m)``, which are ``PURE`` inside the envelope."""
        signal = np.concatenate([self._pending, audio], axis=1)
        sources, count = signal.shape[0], signal.shape[1] // self.hop
        self._pending = signal[:, count * self.hop :]
        blocks = signal[:, : count * self.hop].reshape(sources, count, self.hop)
        upper = self._row(blocks.max(axis=2)) if count else np.zeros((sources, 0))
        lower = self._row(blocks.min(axis=2)) if count else np.zeros((sources, 0))
        middle = (upper + lower) / 2  # silence is a line one pixel high
        upper, lower = np.minimum(upper, middle - 0.5), np.maximum(lower, middle + 0.5)
        row = np.arange(self.rows)[:, None]
        covered = np.minimum(row + 1, lower[:, None, :]) - np.maximum(row, upper[:, None, :])
        columns: NDArray[np.uint8] = (np.clip(covered, 0, 1) * PURE).astype(np.uint8)
        return columns

    def _row(self, amplitude: Samples) -> NDArray[np.float64]:
        """Vertical position in pixels from the top."""
        row: NDArray[np.float64] = (0.5 - 0.5 * np.clip(amplitude / self.full_scale, -1, 1)) * self.rows
        return row


def fitting_scale(peak: float) -> float:
    """The smallest of :data:`FULL_SCALES` that is not below ``peak``; 1.0 where all are below it."""
    return min((scale for scale in FULL_SCALES if scale >= peak), default=FULL_SCALES[0])
