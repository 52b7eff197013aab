"""Chunk times of every level, chunk duration and backend, measured in turns."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from ..streaming import Ladder, StreamingSeparator
from ..streaming.machine import load, machine
from .cold import cold_floors
from .floor import floor_of, measurable

#: chunks that are timed in one block, and chunks before them that bring the level back into the processor's caches
BLOCK, LEAD_IN = 32, 8


class Row(TypedDict):
    """Times of one level, chunk duration, backend, precision and number of threads.

    Keys:
        level: its number.
        backend, precision, threads: what computed a step.
        chunk_ms: chunk duration.
        p50_ms, p95_ms, p99_ms, max_ms: percentiles of the chunk time, and its maximum.
        rtf: mean of chunk time and upkeep, over the chunk duration.
        macs_per_second: of the level.
        floor_ms: median time of the bare matrix products on one thread; ``None`` where it cannot be measured.
        cold_floor_ms: median time of one pass over the weights from outside the caches, see :mod:`.cold`.
        upkeep_ms: 99.5th percentile of the time for upkeep at ends of segments, which is due after the chunk.
        chunks: how many were timed.
    """

    level: int
    backend: str
    precision: str
    chunk_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    rtf: float
    macs_per_second: float
    floor_ms: float | None
    cold_floor_ms: float
    upkeep_ms: float
    threads: int
    chunks: int


class Report(TypedDict):
    """The JSON object of ``sepprune bench``, without the ladder's name: facts about the machine, and the rows."""

    machine: dict[str, Any]
    rows: list[Row]


class Contender(NamedTuple):
    """One of those that are timed in turns."""

    level: int
    backend: str
    precision: str
    threads: int


def bench(
    ladder: Ladder,
    levels: Sequence[int],
    seconds: float,
    chunk_ms: Sequence[float],
    backends: Sequence[tuple[str, str]],
    threads: Sequence[int] = (1,),
    advance: Callable[[float], None] = lambda share: None,
) -> Report:
    """Time :meth:`StreamingSeparator.step`, and the floor under it where torch is installed.

    Upkeep at ends of segments, which the live engine does after it has handed a chunk on (``settle``), is timed apart;
    the real-time factor includes it.

    Levels, backends and floors of one chunk duration take turns in short blocks, so that a disturbance affects all of
    them alike.

    Args:
        ladder: the levels.
        levels: level numbers.
        seconds: of audio for each row.
        chunk_ms: chunk durations, each rounded up to whole hops.
        backends: pairs of backend and precision.
        threads: numbers of threads that share a step, each timed. The floor is that of one thread.
        advance: called with the share of the work that is done.
    """
    rows: list[Row] = []
    cold = cold_floors(ladder, [(level, precision) for level in levels for _, precision in backends])
    for index, duration in enumerate(chunk_ms):
        contenders = [
            Contender(level, *backend, count) for level in levels for backend in backends for count in threads
        ]

        def report(share: float, done: int = index) -> None:
            advance((done + share) / len(chunk_ms))

        rows += _bench_chunk(ladder, contenders, seconds, duration, cold, report)
    return {"machine": machine() | {"load": load()}, "rows": rows}


def contender_name(row: Mapping[str, Any]) -> str:
    """Backend and precision of a row, and its threads where they are several."""
    return f"{row['backend']} {row['precision']}" + (f", {row['threads']} threads" if row["threads"] > 1 else "")


def _bench_chunk(
    ladder: Ladder,
    contenders: Sequence[Contender],
    seconds: float,
    chunk_ms: float,
    cold: Mapping[tuple[int, str], float],
    advance: Callable[[float], None],
) -> list[Row]:
    with ExitStack() as stack:
        streams = {
            contender: stack.enter_context(
                StreamingSeparator(
                    ladder, contender.level, chunk_ms, contender.backend, contender.precision, contender.threads
                )
            )
            for contender in contenders
        }
        chunk = streams[contenders[0]].chunk
        levels = dict.fromkeys(contender.level for contender in contenders)
        floors = {level: floor_of(ladder, level, chunk) for level in levels} if measurable() else {}
        rounds = max(2, round(seconds * ladder.sample_rate / chunk / BLOCK))
        stack.enter_context(undisturbed())
        times, upkeep, products = _measure(streams, floors, chunk, rounds, advance)
    return [
        _row(ladder, contender, chunk, times[contender], upkeep[contender], products.get(contender.level), cold)
        for contender in contenders
    ]


def _measure(
    streams: Mapping[Contender, StreamingSeparator],
    floors: Mapping[int, Callable[[], None]],
    chunk: int,
    rounds: int,
    advance: Callable[[float], None],
) -> tuple[dict[Contender, NDArray[np.float64]], dict[Contender, NDArray[np.float64]], dict[int, NDArray[np.float64]]]:
    """Seconds of steps, of their upkeep, and of floors by level; the first round is left out."""
    noise = (np.random.default_rng(0).standard_normal((BLOCK, chunk)) * 0.05).astype(np.float32)
    times: dict[Contender, list[float]] = {contender: [] for contender in streams}
    upkeep: dict[Contender, list[float]] = {contender: [] for contender in streams}
    products: dict[int, list[float]] = {level: [] for level in floors}
    clock = time.perf_counter
    for count in range(rounds):
        for contender, stream in streams.items():
            for part in noise[:LEAD_IN]:
                stream.step(part)
            for part in noise:
                started = clock()
                stream.step(part)
                done = clock()
                stream.settle()
                times[contender].append(done - started)
                upkeep[contender].append(clock() - done)
        for level, floor in floors.items():
            for _ in range(LEAD_IN):
                floor()
            for _ in range(BLOCK):
                started = clock()
                floor()
                products[level].append(clock() - started)
        advance((count + 1) / rounds)
    return (
        {contender: np.array(values[BLOCK:]) for contender, values in times.items()},
        {contender: np.array(values[BLOCK:]) for contender, values in upkeep.items()},
        {level: np.array(values[BLOCK:]) for level, values in products.items()},
    )


@contextmanager
def undisturbed() -> Iterator[None]:
    """For timing: no garbage collection, and one thread for the floor's products."""
    with ExitStack() as stack:
        if measurable():
            from threadpoolctl import threadpool_limits

            stack.enter_context(threadpool_limits(1, user_api="blas"))
        gc.collect()
        gc.disable()
        stack.callback(gc.enable)
        yield


def _row(
    ladder: Ladder,
    contender: Contender,
    chunk: int,
    times: NDArray[np.float64],
    upkeep: NDArray[np.float64],
    floor: NDArray[np.float64] | None,
    cold: Mapping[tuple[int, str], float],
) -> Row:
    p50, p95, p99, largest = (float(value) for value in 1000 * np.percentile(times, (50, 95, 99, 100)))
    chunk_ms = 1000 * chunk / ladder.sample_rate
    return {
        "level": contender.level,
        "backend": contender.backend,
        "precision": contender.precision,
        "chunk_ms": chunk_ms,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "max_ms": largest,
        "rtf": 1000 * float((times + upkeep).mean()) / chunk_ms,
        "macs_per_second": ladder[contender.level].macs_per_second,
        "floor_ms": None if floor is None else 1000 * float(np.median(floor)),
        "cold_floor_ms": cold[contender.level, contender.precision],
        "upkeep_ms": 1000 * float(np.percentile(upkeep, 99.5)),
        "threads": contender.threads,
        "chunks": len(times),
    }
