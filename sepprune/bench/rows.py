"""Rows of a latency report: what is stated about the chunk times of one series, and the times themselves."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from . import statistics
from .pace import Block
from .times import Contender

#: a drift is reported where it is larger than this and its interval excludes none
_SMALLEST_DRIFT = 0.05


class Raw(TypedDict):
    """Times of all chunks.

    Keys:
        encoding: of ``times``, ``waits`` and ``upkeep``.
        times: chunk times.
        waits: from the moment at which a chunk was complete to the start of its step.
        upkeep: work after the sources were delivered.
        starts_s: seconds from the start of the run to each block.
        chunks: number of chunks of each block.
    """

    encoding: str
    times: str
    waits: str
    upkeep: str
    starts_s: list[float]
    chunks: list[int]


class Row(TypedDict):
    """One level, backend, precision, chunk duration and pace.

    Keys:
        level, backend, precision, threads: what was timed.
        chunk_ms: chunk duration, which is the deadline.
        paced: at live rate; otherwise back to back.
        soak: whether the row is the long run of one level.
        chunks: how many were timed.
        p50_ms, p95_ms, p99_ms, p999_ms: percentiles of the chunk time; ``None`` where the chunks are too few.
        p99_interval_ms: 95 % interval of p99.
        max_ms: longest chunk time.
        wait_p50_ms: median wait for the processor before a step.
        misses: chunks whose sources were complete only after the next chunk was: wait and chunk time together are
            longer than the chunk. Back to back there is no wait.
        miss_rate_upper: upper 95 % bound of the miss rate.
        rtf: mean of chunk time and upkeep, over the chunk duration.
        drift, drift_interval: change of the median from begin to end as a factor, with its 95 % interval, ``None``
            with fewer than five blocks.
        bimodal: whether the chunk times have two clear modes.
        macs_per_second: of the level.
        raw: all times.
    """

    level: int
    backend: str
    precision: str
    threads: int
    chunk_ms: float
    paced: bool
    soak: bool
    chunks: int
    p50_ms: float
    p95_ms: float | None
    p99_ms: float | None
    p99_interval_ms: list[float] | None
    p999_ms: float | None
    max_ms: float
    wait_p50_ms: float
    misses: int
    miss_rate_upper: float
    rtf: float
    drift: float | None
    drift_interval: list[float] | None
    bimodal: bool
    macs_per_second: float
    raw: Raw


def row_of(
    contender: Contender, blocks: Sequence[Block], chunk_ms: float, paced: bool, macs_per_second: float, soak: bool
) -> Row:
    """The row of a series with at least one block."""
    waits, times, upkeep = (
        np.concatenate([getattr(block, name) for block in blocks]).astype(float)
        for name in ("waits", "times", "upkeep")
    )
    interval = statistics.percentile_interval(times, 0.99)
    trend = statistics.drift(statistics.parts([block.times.astype(float) for block in blocks]))
    misses = int(np.sum(waits + times > chunk_ms))
    return {
        "level": contender.level,
        "backend": contender.backend,
        "precision": contender.precision,
        "threads": contender.threads,
        "chunk_ms": chunk_ms,
        "paced": paced,
        "soak": soak,
        "chunks": len(times),
        "p50_ms": float(np.median(times)),
        "p95_ms": _percentile(times, 0.95) if statistics.percentile_interval(times, 0.95) else None,
        "p99_ms": _percentile(times, 0.99) if interval else None,
        "p99_interval_ms": list(interval) if interval else None,
        "p999_ms": _percentile(times, 0.999) if len(times) >= statistics.LEAST_FOR_P999 else None,
        "max_ms": float(times.max()),
        "wait_p50_ms": float(np.median(waits)),
        "misses": misses,
        "miss_rate_upper": statistics.rate_upper(misses, len(times)),
        "rtf": float((times + upkeep).mean()) / chunk_ms,
        "drift": trend.value if trend else None,
        "drift_interval": [trend.low, trend.high] if trend else None,
        "bimodal": statistics.bimodal(times),
        "macs_per_second": macs_per_second,
        "raw": _raw(blocks),
    }


def drifts(row: Row, confidence: float) -> bool:
    """Whether the median changed during the run, by more than 5 % and clearly.

    Args:
        row: with raw times.
        confidence: of the interval that must exclude a run without change.
    """
    trend = statistics.drift(statistics.parts(blocks_of(row)), confidence)
    return trend is not None and abs(trend.value - 1) > _SMALLEST_DRIFT and not trend.low <= 1 <= trend.high


def blocks_of(row: Mapping[str, Any]) -> list[NDArray[np.float64]]:
    """Chunk times of a row's blocks in milliseconds, from its raw times.

    Raises:
        KeyError, ValueError, TypeError: the raw times are damaged.
    """
    raw = row["raw"]
    times = np.frombuffer(base64.b64decode(raw["times"], validate=True), "<f4").astype(float)
    ends = np.cumsum(raw["chunks"])
    if not len(times) or ends[-1] != len(times) or not (times >= 0).all():
        raise ValueError("times and blocks do not match")
    return np.split(times, ends[:-1])


def _percentile(times: NDArray[np.float64], share: float) -> float:
    return float(np.percentile(times, 100 * share))


def _raw(blocks: Sequence[Block]) -> Raw:
    def packed(name: str) -> str:
        joined = np.concatenate([getattr(block, name) for block in blocks])
        return base64.b64encode(joined.astype("<f4").tobytes()).decode()

    return {
        "encoding": "milliseconds as little-endian float32, base64",
        "times": packed("times"),
        "waits": packed("waits"),
        "upkeep": packed("upkeep"),
        "starts_s": [round(block.start_s, 3) for block in blocks],
        "chunks": [len(block.times) for block in blocks],
    }
