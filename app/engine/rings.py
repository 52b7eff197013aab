"""Buffers with one writer and one reader, between an audio callback and the worker: neither waits for the other."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .arrays import Samples


class Ring:
    """Float32 samples, first in, first out, with room for ``capacity``.

    Positions only grow, and each is written by one side alone, so no lock is needed. Samples that do not fit are
    dropped, and :meth:`write` returns how many did fit.

    Args:
        capacity: in samples.
        channels: of every block.

    Attributes:
        written: samples written so far.
        read: samples read so far.

    >>> ring = Ring(capacity=4, channels=1)
    >>> ring.write(np.ones((3, 1), np.float32)), ring.write(np.ones((3, 1), np.float32))
    (3, 1)
    """

    def __init__(self, capacity: int, channels: int) -> None:
        self.capacity, self.channels = capacity, channels
        self._samples = np.zeros((capacity, channels), np.float32)
        self.written = 0
        self.read = 0

    @property
    def available(self) -> int:
        """Samples that can be read."""
        return self.written - self.read

    def write(self, block: Samples) -> int:
        """Append ``(samples, channels)``; returns how many samples fitted."""
        count = min(len(block), self.capacity - self.available)
        start = self.written % self.capacity
        first = min(count, self.capacity - start)
        self._samples[start : start + first] = block[:first]
        self._samples[: count - first] = block[first:count]
        self.written += count
        return count

    def read_into(self, block: Samples) -> int:
        """Fill the beginning of ``(samples, channels)``; returns how many samples were available."""
        count = min(len(block), self.available)
        start = self.read % self.capacity
        first = min(count, self.capacity - start)
        block[:first] = self._samples[start : start + first]
        block[first:count] = self._samples[: count - first]
        self.read += count
        return count

    def take(self) -> Samples:
        """Read everything that is available, ``(samples, channels)``."""
        block = np.empty((self.available, self.channels), np.float32)
        self.read_into(block)
        return block

    def clear(self) -> None:
        """Skip everything that has not been read; to be called by the reader."""
        self.read = self.written


class Stamps:
    """When a stream reached a position: the last few hundred pairs of position and time of a callback.

    Args:
        capacity: pairs that are kept.
    """

    def __init__(self, capacity: int = 512) -> None:
        self._positions = np.full(capacity, -1, np.int64)
        self._times = np.full(capacity, math.nan)
        self._count = 0

    def add(self, position: int, time: float) -> None:
        """Note that ``position`` was reached at ``time``; positions never decrease."""
        index = self._count % len(self._times)
        self._times[index] = time
        self._positions[index] = position
        self._count += 1

    def since(self, count: int) -> tuple[int, list[tuple[int, float]]]:
        """The pairs after the first ``count`` ever noted, oldest first, and the count for the next call.

        Pairs that are no longer kept are left out.
        """
        end, capacity = self._count, len(self._times)
        order = [index % capacity for index in range(max(count, end - capacity + 1), end)]
        return end, [(int(self._positions[index]), float(self._times[index])) for index in order]

    def time_of(self, position: int) -> float:
        """When ``position`` was reached or passed; nan where it was not, or where its pair is no longer kept."""
        oldest = max(0, self._count - len(self._times) + 1)  # one less than all: the writer may be at the oldest
        order = np.arange(oldest, self._count) % len(self._times)
        positions = self._positions[order]
        index = int(np.searchsorted(positions, position))
        if index == len(positions) or (index == 0 and oldest > 0):
            return math.nan
        return float(self._times[order[index]])


class Delays:
    """The last delays that a callback has noted, for a reader who wants their median.

    Args:
        capacity: delays that are kept.
    """

    def __init__(self, capacity: int = 128) -> None:
        self._seconds = np.full(capacity, math.nan)
        self._count = 0

    def add(self, seconds: float) -> None:
        """Note a delay in seconds."""
        self._seconds[self._count % len(self._seconds)] = seconds
        self._count += 1

    def known(self) -> NDArray[np.float64]:
        """The delays that are kept, in seconds and in no order; ``(n,)``, empty where none was noted."""
        return self._seconds[: min(self._count, len(self._seconds))].copy()
