"""The last seconds of a stream. The audio thread writes them, and a level that is warmed up reads them."""

from __future__ import annotations

import numpy as np

from .protocols import Samples


class History:
    """Ring buffers of the mixture and the heard sources, in chunks.

    One thread writes, one reads, without a lock. A chunk can be read once :attr:`written` counts it, until the writer
    overwrites it. Whether that happened while it was read, :meth:`holds` says afterwards.

    Args:
        chunk: samples in a chunk.
        sources: number of sources.
        samples: how many are kept at least.
    """

    def __init__(self, chunk: int, sources: int, samples: int) -> None:
        self.chunks = -(-samples // chunk) + 1  # one of them is being written
        self._mixture = np.zeros((self.chunks, chunk), np.float32)
        self._sources = np.zeros((self.chunks, sources, chunk), np.float32)
        self.written = 0

    def add(self, mixture: Samples, sources: Samples) -> None:
        """Write the next chunk: mixture ``(chunk,)`` and sources ``(sources, chunk)``."""
        index = self.written % self.chunks
        self._mixture[index] = mixture
        self._sources[index] = sources
        self.written += 1

    def slot(self, number: int) -> tuple[Samples, Samples]:
        """Mixture ``(chunk,)`` and sources ``(sources, chunk)`` of chunk ``number``: views, to read."""
        index = number % self.chunks
        return self._mixture[index], self._sources[index]

    @property
    def oldest(self) -> int:
        """The earliest chunk that can be read."""
        return max(0, self.written - self.chunks + 1)

    def holds(self, number: int) -> bool:
        """Whether chunk ``number`` is complete and not overwritten."""
        return self.oldest <= number < self.written

    def clear(self) -> None:
        """Forget everything."""
        self.written = 0
