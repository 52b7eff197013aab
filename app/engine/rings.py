"""Single-writer, single-reader buffers between an audio callback and the worker: nobody ever waits for the other."""

from __future__ import annotations

import math

import numpy as np


class Ring:
    """Float32 samples, first in, first out, with room for ``capacity``.

    Positions only grow, and each is written by one side alone, so no lock is needed. What does not fit is dropped and
    the writer told.

    >>> ring = Ring(capacity=4, channels=1)
    >>> ring.write(np.ones((3, 1))), ring.write(np.ones((3, 1)))
    (3, 1)
    """

    def __init__(self, capacity: int, channels: int) -> None:
        self.capacity, self.channels = capacity, channels
        self._samples = np.zeros((capacity, channels), np.float32)
        self.written = 0  #: samples ever written
        self.read = 0  #: samples ever read

    @property
    def available(self) -> int:
        """Samples that can be read."""
        return self.written - self.read

    def write(self, block: np.ndarray) -> int:
        """Append ``(samples, channels)``; returns how many samples had room."""
        count = min(len(block), self.capacity - self.available)
        start = self.written % self.capacity
        first = min(count, self.capacity - start)
        self._samples[start : start + first] = block[:first]
        self._samples[: count - first] = block[first:count]
        self.written += count
        return count

    def read_into(self, block: np.ndarray) -> int:
        """Fill the beginning of ``(samples, channels)``; returns how many samples there were."""
        count = min(len(block), self.available)
        start = self.read % self.capacity
        first = min(count, self.capacity - start)
        block[:first] = self._samples[start : start + first]
        block[first:count] = self._samples[: count - first]
        self.read += count
        return count

    def take(self) -> np.ndarray:
        """Read everything there is, ``(samples, channels)``."""
        block = np.empty((self.available, self.channels), np.float32)
        self.read_into(block)
        return block

    def clear(self) -> None:
        """Forget what has not been read; for the reader to call."""
        self.read = self.written


class Stamps:
    """When a stream reached a position: the last few hundred (position, time) pairs of a callback."""

    def __init__(self, capacity: int = 512) -> None:
        self._positions = np.full(capacity, -1, np.int64)
        self._times = np.full(capacity, math.nan)
        self._count = 0

    def add(self, position: int, time: float) -> None:
        """Note that ``position`` was reached at ``time``; positions never fall."""
        index = self._count % len(self._times)
        self._times[index] = time
        self._positions[index] = position
        self._count += 1

    def time_of(self, position: int) -> float:
        """When ``position`` was reached or passed: nan while it was not, or where that is too long ago to tell."""
        oldest = max(0, self._count - len(self._times) + 1)  # one less than all: the writer may be at the oldest
        order = np.arange(oldest, self._count) % len(self._times)
        positions = self._positions[order]
        index = int(np.searchsorted(positions, position))
        if index == len(positions) or (index == 0 and oldest > 0):
            return math.nan
        return float(self._times[order[index]])
