"""The latency report of a machine: what is measured in which order, and the JSON object that results."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from ..streaming import Ladder, StreamingSeparator
from ..streaming.protocols import Samples
from .busy import busy_processes
from .facts import Fact, machine_facts
from .interleave import Measured, Rounds, interleave, soak
from .pace import BLOCK, LEAD_IN, Block, Clock, Stream, SystemClock
from .rows import Row, row_of
from .times import Contender, undisturbed
from .verdict import best_rows, cannot_say, safe_rows, verdict, warnings

FORMAT, VERSION = "sepprune-latency-report", 1
#: chunks of a row: enough to show, if none is missed, that fewer than 1 in 1,000 is (3 / 3,000)
CHUNKS = 3000
#: seconds of paced sound that the quick mode divides among its rows
QUICK_SECONDS = 48.0
#: chunk duration of the soak, where it is among the durations
_SOAK_MS = 8.0


class Safe(TypedDict):
    """A level and a chunk duration with few enough misses; the other keys are those of the row that shows it."""

    level: int
    chunk_ms: float
    backend: str
    precision: str
    chunks: int
    miss_rate_upper: float


class LatencyReport(TypedDict):
    """The content of ``report.json``.

    Keys:
        format, version: of this object.
        ladder: its name.
        made: time of the start, UTC.
        seconds: that the run took.
        seed: of the order.
        quick, interrupted: whether the run was the quick one; whether it ended early.
        busy_processes: that ran beside it.
        note: of the person who measured, or empty.
        machine, machine_after: facts before and after the run.
        verdict, warnings, cannot_say: sentences.
        safe: what runs without misses, as far as the chunks can show.
        rows: of the run.
    """

    format: str
    version: int
    ladder: str
    made: str
    seconds: float
    seed: int
    quick: bool
    interrupted: bool
    busy_processes: int
    note: str
    machine: dict[str, Fact]
    machine_after: dict[str, Fact]
    verdict: str
    warnings: list[str]
    cannot_say: list[str]
    safe: list[Safe]
    rows: list[Row]


@dataclass(frozen=True)
class Subject:
    """What is measured.

    Args:
        name: of the ladder.
        macs_per_second: cost of each level.
        samples: chunk duration in ms to samples.
        open: opens a stream for a contender and a chunk duration in ms.
    """

    name: str
    macs_per_second: Mapping[int, float]
    samples: Callable[[float], int]
    open: Callable[[Contender, float], AbstractContextManager[Stream]]


@dataclass(frozen=True)
class ReportSettings:
    """What a report covers.

    Args:
        levels: level numbers.
        chunk_ms: chunk durations, whole hops.
        backends: pairs of backend and precision.
        threads: numbers of threads that share a step.
        seconds: of sound for each row; ``None``: :data:`CHUNKS` chunks, or what the quick mode has time for.
        quick: one minute in all.
        soak_s: seconds of the long run of the first level; 0 for none.
        seed: of the order.
        load: busy processes beside the run.
        note: about the machine or the run.
    """

    levels: Sequence[int]
    chunk_ms: Sequence[float]
    backends: Sequence[tuple[str, str]]
    threads: Sequence[int] = (1,)
    seconds: float | None = None
    quick: bool = False
    soak_s: float = 0.0
    seed: int = 0
    load: int = 0
    note: str = ""

    def contenders(self) -> list[Contender]:
        """All that take turns at one chunk duration."""
        return [
            Contender(level, *backend, count)
            for level in self.levels
            for backend in self.backends
            for count in self.threads
        ]

    def chunks(self, chunk_ms: float) -> int:
        """Chunks of each row of a chunk duration, at least one block."""
        if self.seconds is not None:
            return max(BLOCK, round(1000 * self.seconds / chunk_ms))
        if self.quick:
            return max(BLOCK, int(1000 * QUICK_SECONDS / (len(self.contenders()) * sum(self.chunk_ms))))
        return CHUNKS

    def planned_s(self) -> float:
        """Seconds of paced sound in all, with the lead-in of every block."""
        rows = sum(self.chunks(chunk_ms) * chunk_ms for chunk_ms in self.chunk_ms) / 1000
        return (rows * len(self.contenders()) + self.soak_s) * (1 + LEAD_IN / BLOCK)


def subject_of(ladder: Ladder) -> Subject:
    """A ladder as what is measured."""
    from ..streaming.stream import chunk_samples

    return Subject(
        ladder.name,
        {level.level: level.macs_per_second for level in ladder.levels},
        lambda chunk_ms: chunk_samples(ladder, chunk_ms),
        lambda one, chunk_ms: StreamingSeparator(ladder, one.level, chunk_ms, one.backend, one.precision, one.threads),
    )


def measure(
    subject: Subject,
    settings: ReportSettings,
    advance: Callable[[float], None] = lambda seconds: None,
    clock: Clock | None = None,
    root: Path = Path("/"),
) -> LatencyReport:
    """Measure a machine. An interruption (Ctrl-C) ends the run; the report then has all blocks that were complete.

    Args:
        subject: what is measured.
        settings: what the report covers.
        advance: called with the seconds of paced sound that were run since the last call.
        clock: of all times, by default the machine's.
        root: folder of ``proc`` and ``sys``, for tests.
    """
    run = _Run(subject, settings, clock or SystemClock(), advance)
    made, before = datetime.now(UTC), machine_facts(root)
    with busy_processes(settings.load):
        interrupted = run.all()
    rows, after = run.rows, machine_facts(root)
    return {
        "format": FORMAT,
        "version": VERSION,
        "ladder": subject.name,
        "made": made.isoformat(timespec="seconds"),
        "seconds": run.clock.now() - run.origin,
        "seed": settings.seed,
        "quick": settings.quick,
        "interrupted": interrupted,
        "busy_processes": settings.load,
        "note": settings.note,
        "machine": before,
        "machine_after": after,
        "verdict": verdict(rows, before, settings.load),
        "warnings": warnings(rows, before, after, interrupted),
        "cannot_say": cannot_say(rows, settings.quick, settings.load),
        "safe": [
            {
                "level": row["level"],
                "chunk_ms": row["chunk_ms"],
                "backend": row["backend"],
                "precision": row["precision"],
                "chunks": row["chunks"],
                "miss_rate_upper": row["miss_rate_upper"],
            }
            for row in safe_rows(rows)
        ],
        "rows": rows,
    }


def without_raw(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report without the times of single chunks."""
    rows = [{key: value for key, value in row.items() if key != "raw"} for row in report["rows"]]
    return {**report, "rows": rows}


class _Run:
    """One run: chunk durations in turn, then the soak. ``rows`` has what is complete."""

    def __init__(
        self, subject: Subject, settings: ReportSettings, clock: Clock, advance: Callable[[float], None]
    ) -> None:
        self.subject, self.settings, self.clock, self._advance = subject, settings, clock, advance
        self.origin = clock.now()
        self.rows: list[Row] = []

    def all(self) -> bool:
        """Run everything.

        Returns:
            Whether it was interrupted.
        """
        order = random.Random(self.settings.seed)
        durations = order.sample(list(self.settings.chunk_ms), len(self.settings.chunk_ms))
        try:
            for chunk_ms in durations:
                self._duration(chunk_ms, order.getrandbits(32))
            if self.settings.soak_s:
                self._soak()
        except KeyboardInterrupt:
            return True
        finally:
            self.rows.sort(key=lambda row: (row["soak"], row["chunk_ms"], row["level"], row["backend"], row["paced"]))
        return False

    def _duration(self, chunk_ms: float, seed: int) -> None:
        rounds = Rounds(chunk_ms / 1000, self.settings.chunks(chunk_ms), seed, self.origin)
        measured = Measured()
        try:
            with ExitStack() as stack:
                streams = {
                    contender: stack.enter_context(self.subject.open(contender, chunk_ms))
                    for contender in self.settings.contenders()
                }
                stack.enter_context(undisturbed())
                interleave(streams, self._sound(chunk_ms), rounds, self.clock, measured, self._advance)
        finally:
            for (contender, paced), blocks in measured.blocks.items():
                self._add(contender, blocks, chunk_ms, paced, soak=False)

    def _soak(self) -> None:
        level, durations = self.settings.levels[0], self.settings.chunk_ms
        chunk_ms = _SOAK_MS if _SOAK_MS in durations else durations[0]
        [best] = (row for row in best_rows(self.rows) if row["level"] == level and row["chunk_ms"] == chunk_ms)
        contender = Contender(level, best["backend"], best["precision"], best["threads"])
        rounds = Rounds(chunk_ms / 1000, round(1000 * self.settings.soak_s / chunk_ms), 0, self.origin)
        blocks: list[Block] = []
        try:
            with self.subject.open(contender, chunk_ms) as stream, undisturbed():
                soak(stream, self._sound(chunk_ms), rounds, self.clock, blocks, self._advance)
        finally:
            self._add(contender, blocks, chunk_ms, paced=True, soak=True)

    def _add(self, contender: Contender, blocks: Sequence[Block], chunk_ms: float, paced: bool, soak: bool) -> None:
        if blocks:
            cost = self.subject.macs_per_second[contender.level]
            self.rows.append(row_of(contender, blocks, chunk_ms, paced, cost, soak))

    def _sound(self, chunk_ms: float) -> Samples:
        shape = (BLOCK, self.subject.samples(chunk_ms))
        return (np.random.default_rng(0).standard_normal(shape) * 0.05).astype(np.float32)
