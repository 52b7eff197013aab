"""One running level: takes chunks of any whole number of hops, and does the upkeep at the ends of segments."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .ladder import Ladder, Level
from .protocols import CompiledStep, Samples


def call_samples(ladder: Ladder, level: Level, chunk: int) -> int:
    """Samples of one compiled call: the chunk, or the largest part of it for which segments end where a call ends."""
    hops = chunk // ladder.hop
    return ladder.hop * (hops if level.segment is None else math.gcd(hops, level.segment))


class LevelRunner:
    """A level's compiled step, its state, and the order of its sources.

    Args:
        level: that ``compiled`` was compiled from.
        compiled: its step.
        hop: samples between two frames.
        sources: number of sources.
        by: backend and precision, as information.
    """

    def __init__(
        self, level: Level, compiled: CompiledStep, hop: int, sources: int, by: tuple[str, str] = ("", "")
    ) -> None:
        self.level, self._compiled, self._hop, self.by = level, compiled, hop, by
        self._own_order = tuple(range(sources))
        self._state, self._frames = compiled.initial_state(), 0
        #: output ``i`` is the separator's source ``order[i]``
        self.order: Sequence[int] = self._own_order

    def reset(self) -> None:
        """Start from silence, sources in the level's own order."""
        self._state, self._frames = self._compiled.cleared(self._state), 0
        self.order = self._own_order

    def step(self, chunk: Samples, out: Samples) -> None:
        """Separate ``(samples,)`` into ``out`` ``(sources, samples)``; a whole number of compiled calls."""
        samples = self._compiled.samples
        for start in range(0, chunk.size, samples):
            self.settle()
            sources, self._state = self._compiled.step(chunk[start : start + samples], self._state)
            if self.order == self._own_order:
                out[:, start : start + samples] = sources
            else:
                for index, source in enumerate(self.order):
                    out[index, start : start + samples] = sources[source]
            self._frames += samples // self._hop

    def settle(self) -> None:
        """Do the upkeep that is due where a segment has ended; otherwise the next step does it."""
        if self._frames == self.level.segment:
            self._state, self._frames = self._compiled.end_segment(self._state), 0
