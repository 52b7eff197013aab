"""A clock that only streams and waiting move, and streams whose chunk times are drawn from a known distribution."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np

from sepprune.bench.latency import LatencyReport, ReportSettings, Subject, measure
from sepprune.bench.pace import Block
from sepprune.bench.times import Contender

#: chunk time in ms, from random numbers, the contender, the chunk duration in ms and the time in s
Law = Callable[[np.random.Generator, Contender, float, float], float]


class VirtualClock:
    """Time in seconds; a program without work and without waiting takes none."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def wait_until(self, moment: float) -> None:
        self.time = max(self.time, moment)


class SyntheticStream:
    """A stream whose chunk time is drawn from a law, and whose upkeep takes ``upkeep_ms``."""

    def __init__(self, clock: VirtualClock, draw: Callable[[], float], upkeep_ms: float = 0.0) -> None:
        self.clock, self.draw, self.upkeep_ms = clock, draw, upkeep_ms
        self.steps = 0

    def step(self, chunk: object, /) -> None:
        self.clock.time += self.draw() / 1000
        self.steps += 1

    def settle(self) -> None:
        self.clock.time += self.upkeep_ms / 1000


def synthetic_subject(law: Law, settings: ReportSettings, clock: VirtualClock, seed: int = 0) -> Subject:
    """A machine whose chunk times follow a law."""
    random = np.random.default_rng(seed)
    return Subject(
        "synthetic",
        dict.fromkeys(settings.levels, 1e6),
        lambda chunk_ms: round(16 * chunk_ms),
        lambda one, chunk_ms: nullcontext(SyntheticStream(clock, lambda: law(random, one, chunk_ms, clock.time))),
    )


def synthetic_report(law: Law, settings: ReportSettings, seed: int = 0) -> LatencyReport:
    """The report of a synthetic machine, measured with a virtual clock."""
    clock = VirtualClock()
    return measure(synthetic_subject(law, settings, clock, seed), settings, clock=clock)


def block(times: object, waits: object = 0.0, start_s: float = 0.0) -> Block:
    """A block with these chunk times and waits in ms, without upkeep."""
    found = np.asarray(times, np.float32)
    return Block(start_s, np.broadcast_to(np.float32(waits), found.shape), found, np.zeros_like(found))
