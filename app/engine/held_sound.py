"""The last seconds of every condition, which a listener may hold and hear in a loop."""

from __future__ import annotations

import numpy as np

from .arrays import Samples
from .playback import FADE_S, raised_cosine
from .player import SHORTEST_LOOP_S

#: seconds that can be held
LONGEST_S = 10.0


class _Ring:
    """The newest samples of all conditions."""

    def __init__(self, conditions: int, sources: int, capacity: int) -> None:
        self._sound = np.zeros((conditions, sources, capacity), np.float32)
        self._written = 0

    def write(self, outputs: Samples) -> None:
        samples, capacity = outputs.shape[-1], self._sound.shape[-1]
        start = self._written % capacity
        first = min(samples, capacity - start)
        self._sound[..., start : start + first] = outputs[..., :first]
        self._sound[..., : samples - first] = outputs[..., first:]
        self._written += samples

    def clear(self) -> None:
        self._written = 0

    @property
    def length(self) -> int:
        return min(self._written, self._sound.shape[-1])

    def at(self, condition: int, positions: np.ndarray) -> Samples:
        """Samples of a condition at positions from the oldest one on, ``(sources, n)``."""
        found: Samples = self._sound[condition][:, (self._written - self.length + positions) % self._sound.shape[-1]]
        return found

    def whole(self) -> Samples:
        """All that is stored, ``(conditions, sources, length)``, oldest first."""
        start = self._written % self._sound.shape[-1] if self._written > self._sound.shape[-1] else 0
        return np.roll(self._sound[..., : self.length], -start, axis=-1)


class HeldSound:
    """Collects sound, and gives what it collected in a loop with fades at both ends.

    Two rings take turns: while one is heard the other collects, so that nothing has to be copied.

    Args:
        conditions, sources: numbers of them.
        chunk: samples in a chunk.
        sample_rate: in hertz.
    """

    def __init__(self, conditions: int, sources: int, chunk: int, sample_rate: int) -> None:
        capacity = max(chunk, round(LONGEST_S * sample_rate))
        self._shortest = round(SHORTEST_LOOP_S * sample_rate)
        self._collecting, self._held = (_Ring(conditions, sources, capacity) for _ in range(2))
        self._rise = np.append(raised_cosine(max(1, round(FADE_S * sample_rate))), np.float32(1))
        self._position = 0

    def add(self, outputs: Samples) -> None:
        """Collect a chunk of all conditions, ``(conditions, sources, samples)``."""
        self._collecting.write(outputs)

    def clear(self) -> None:
        """Forget what was collected; what is held stays."""
        self._collecting.clear()

    def hold(self) -> bool:
        """Hold the last seconds; a hold that follows another too soon keeps the same seconds.

        Returns:
            Whether there is enough for a loop.
        """
        if self._collecting.length >= self._shortest:
            self._held, self._collecting = self._collecting, self._held
            self._collecting.clear()
        self._position = 0
        return self._held.length >= self._shortest

    def whole(self) -> Samples:
        """What is held, ``(conditions, sources, samples)``. It is copied, which the audio thread has no time for."""
        return self._held.whole()

    def read(self, condition: int, samples: int) -> Samples:
        """The next samples of the loop, ``(sources, samples)``."""
        length = self._held.length
        positions = (self._position + np.arange(samples)) % length
        self._position = int(positions[-1] + 1)
        edges = self._rise[np.minimum(np.minimum(positions, length - 1 - positions), len(self._rise) - 1)]
        return self._held.at(condition, positions) * edges
