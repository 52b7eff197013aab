"""One level running: chunks of any whole number of hops over a compiled step, segments counted."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .ladder import Ladder, Level
from .protocols import CompiledStep


def call_samples(ladder: Ladder, level: Level, chunk: int) -> int:
    """Samples of one compiled call: the chunk, or the largest part of it whose calls end where segments end."""
    hops = chunk // ladder.hop
    return ladder.hop * (hops if level.segment is None else math.gcd(hops, level.segment))


class LevelRunner:
    """A level's compiled step, its state, and the order in which its sources are given out.

    Args:
        level: the level that ``compiled`` was compiled from.
        compiled: its step.
        hop: samples between two frames.
        sources: number of sources.
        by: backend and precision, for those who want to know.
    """

    def __init__(
        self, level: Level, compiled: CompiledStep, hop: int, sources: int, by: tuple[str, str] = ("", "")
    ) -> None:
        self.level, self._compiled, self._hop, self.by = level, compiled, hop, by
        self._sources = sources
        self._state, self._frames = compiled.initial_state(), 0
        self.order = range(sources)

    @property
    def order(self) -> Sequence[int]:
        """Output ``i`` is the separator's source ``order[i]``."""
        return self._order

    @order.setter
    def order(self, order: Sequence[int]) -> None:
        self._order, self._in_order = order, list(order) == sorted(order)

    def reset(self) -> None:
        """Start from silence, sources in the level's own order."""
        self._state, self._frames = self._compiled.cleared(self._state), 0
        self.order = range(self._sources)

    def step(self, chunk: np.ndarray, out: np.ndarray) -> None:
        """Separate ``(samples,)`` into ``out`` ``(sources, samples)``, whole calls of the compiled step."""
        samples = self._compiled.samples
        for start in range(0, chunk.size, samples):
            self.settle()
            sources, self._state = self._compiled.step(chunk[start : start + samples], self._state)
            if self._in_order:
                out[:, start : start + samples] = sources
            else:
                for index, source in enumerate(self._order):
                    out[index, start : start + samples] = sources[source]
            self._frames += samples // self._hop

    def settle(self) -> None:
        """Do what is due where a segment has ended, before the next step has to."""
        if self._frames == self.level.segment:
            self._state, self._frames = self._compiled.end_segment(self._state), 0
