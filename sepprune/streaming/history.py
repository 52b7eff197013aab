"""The last seconds of a stream, written by the audio thread and read by a level that catches up."""

from __future__ import annotations

import numpy as np


class History:
    """Rings of mixture and heard sources, in chunks.

    One thread writes, one reads, no lock: a chunk is readable once :attr:`written` counts it and until the
    writer comes round again, which :meth:`holds` tells.

    Args:
        chunk: samples in a chunk.
        sources: number of sources.
        samples: at least so many samples are kept.
    """

    def __init__(self, chunk: int, sources: int, samples: int) -> None:
        self.chunks = -(-samples // chunk) + 1  # one of them is being written
        self._mixture = np.zeros((self.chunks, chunk), np.float32)
        self._sources = np.zeros((self.chunks, sources, chunk), np.float32)
        self.written = 0

    def add(self, mixture: np.ndarray, sources: np.ndarray) -> None:
        """Write the next chunk: mixture ``(chunk,)`` and sources ``(sources, chunk)``."""
        index = self.written % self.chunks
        self._mixture[index] = mixture
        self._sources[index] = sources
        self.written += 1

    def slot(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Mixture ``(chunk,)`` and sources ``(sources, chunk)`` of chunk ``number``: views, to read."""
        index = number % self.chunks
        return self._mixture[index], self._sources[index]

    @property
    def oldest(self) -> int:
        """The earliest chunk that can be read."""
        return max(0, self.written - self.chunks + 1)

    def holds(self, number: int) -> bool:
        """Whether chunk ``number`` is whole."""
        return self.oldest <= number < self.written

    def clear(self) -> None:
        self.written = 0
