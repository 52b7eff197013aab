"""Percentiles of chunk times: over the last ten seconds, over the session, and for each level.

The session is stored as a histogram with fixed logarithmic bins, so that memory does not grow and reports can be
merged. The error of a percentile is at most half a bin, 1 %.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import Frames
from .events import Ready
from .lateness import CAUSES, KEYS
from .stages import stages
from .telemetry import DEADLINE_MISS, FRAME, TRANSITION, WARM_UP, joined

#: bin edges in milliseconds: 1 us to 10 s, each 2 % wide
EDGES_MS = np.geomspace(1e-3, 1e4, 1 + round(math.log(1e7) / math.log(1.02)))

#: one JSON object; Any: its values are numbers, words, lists and objects
Report = dict[str, Any]

#: seconds that :meth:`LatencyStatistics.recent` covers
RECENT_S = 10.0

#: chunks that :meth:`LatencyStatistics.latest_rows` lists
LATEST = 20


@dataclass(frozen=True)
class Summary:
    """Compute times of some chunks, in milliseconds; nan where there are no chunks."""

    chunks: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    deadline_misses: int


class LatencyStatistics:
    """Collects the rows of :meth:`Telemetry.frames_since <app.engine.telemetry.Telemetry.frames_since>`.

    A chunk time is the time of the separator alone: ``t_done - t_start``. Chunks during a level switch (two levels run)
    and during warm-up are left out, and counted in :attr:`left_out`.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Delete everything collected so far."""
        self._histograms: dict[int, NDArray[np.int64]] = {}
        self._max_ms: dict[int, float] = {}
        self._misses: dict[int, int] = {}
        self._causes = dict.fromkeys(KEYS, 0)
        self._recent: deque[Frames] = deque()
        self._latest: Frames | None = None
        self._since = math.nan
        self.left_out = 0

    def add(self, frames: Frames) -> None:
        """Take in new rows of :data:`~app.engine.telemetry.FRAME`."""
        if not len(frames):
            return
        flags = frames["flags"].astype(int)
        kept = frames[(flags & (TRANSITION | WARM_UP)) == 0]
        self.left_out += len(frames) - len(kept)
        if math.isnan(self._since):
            self._since = float(frames["t_in"][0])
        known: Frames = kept if self._latest is None else joined([self._latest, kept])
        self._latest = known[np.argsort(known["t_in"] - known["t_done"], kind="stable")[:LATEST]]
        late = kept["flags"].astype(int)[(kept["flags"].astype(int) & DEADLINE_MISS) > 0]
        for flag in KEYS:
            self._causes[flag] += int(np.count_nonzero(late & flag))
        for level in np.unique(kept["level"]).astype(int).tolist():
            rows = kept[kept["level"] == level]
            times = _compute_ms(rows)
            histogram = self._histograms.setdefault(level, np.zeros(len(EDGES_MS) - 1, np.int64))
            histogram += np.histogram(np.clip(times, EDGES_MS[0], EDGES_MS[-1]), EDGES_MS)[0]
            self._max_ms[level] = max(self._max_ms.get(level, 0.0), float(times.max()))
            self._misses[level] = self._misses.get(level, 0) + _misses(rows)
        self._recent.append(kept)
        oldest = float(frames["t_done"][-1]) - RECENT_S
        while self._recent and (not len(self._recent[0]) or self._recent[0]["t_done"][-1] < oldest):
            self._recent.popleft()

    @property
    def levels(self) -> list[int]:
        """Levels for which there are chunk times."""
        return sorted(self._histograms)

    def recent_frames(self) -> Frames:
        """The rows of the last :data:`RECENT_S`."""
        if not self._recent:
            return np.zeros(0, FRAME)
        rows = joined(self._recent)
        newest: Frames = rows[rows["t_done"] >= rows["t_done"][-1] - RECENT_S]
        return newest

    def recent(self) -> Summary:
        """Exact percentiles of the last :data:`RECENT_S`."""
        rows = self.recent_frames()
        return _summary(_compute_ms(rows), _misses(rows))

    def late_chunks(self) -> dict[str, int]:
        """Late chunks since the last reset by cause, one of :data:`app.engine.lateness.KEYS`."""
        return {KEYS[flag]: count for flag, count in self._causes.items()}

    def session(self, level: int | None = None) -> Summary:
        """Percentiles since the last reset, of one level or of all."""
        chosen = [level] if level is not None else self.levels
        counts = self.histogram(level)
        if not counts.any():
            return _summary(np.zeros(0), 0)
        maximum = max(self._max_ms[one] for one in chosen)
        p50, p95, p99 = (min(maximum, _percentile(counts, q)) for q in (0.50, 0.95, 0.99))
        return Summary(int(counts.sum()), p50, p95, p99, maximum, sum(self._misses[one] for one in chosen))

    def histogram(self, level: int | None = None) -> NDArray[np.int64]:
        """Number of chunks in each bin of :data:`EDGES_MS`, of one level or of all."""
        chosen = [level] if level is not None else self.levels
        counts = [self._histograms[one] for one in chosen if one in self._histograms]
        total: NDArray[np.int64] = np.sum(counts, axis=0) if counts else np.zeros(len(EDGES_MS) - 1, np.int64)
        return total

    def level_rows(self) -> list[Report]:
        """:meth:`session` of every level in :attr:`levels`, as plain data."""
        rows = []
        for level in self.levels:
            summary = self.session(level)
            rows.append(
                {
                    "level": level,
                    "chunks": summary.chunks,
                    **{key: round(getattr(summary, key), 4) for key in ("p50_ms", "p95_ms", "p99_ms", "max_ms")},
                    "deadline_misses": summary.deadline_misses,
                }
            )
        return rows

    def latest_rows(self) -> list[Report]:
        """The chunks with the longest time from arrival to result, the longest first, and the parts of that time.

        ``seconds`` is counted from the first chunk; ``queue_ms`` is the time from arrival to the start of computation,
        ``compute_ms`` the chunk time, and ``late_because`` the cause of a missed deadline, ``None`` where it was met.
        """
        if self._latest is None:
            return []
        return [
            {
                "seconds": round(float(row["t_in"]) - self._since, 3),
                "level": int(row["level"]),
                "queue_ms": round(1000.0 * float(row["t_start"] - row["t_in"]), 3),
                "compute_ms": round(1000.0 * float(row["t_done"] - row["t_start"]), 3),
                "late_because": cause_of(int(row["flags"])),
            }
            for row in self._latest
        ]

    def report(self, ready: Ready, counters: Mapping[str, float]) -> Report:
        """The JSON object of ``sepprune-live --report``.

        Args:
            ready: the engine's last :class:`~app.engine.events.Ready`.
            counters: :attr:`Telemetry.counters <app.engine.telemetry.Telemetry.counters>`.
        """
        counted = (
            "input_overflows",
            "output_underflows",
            "ring_overruns",
            "ring_underruns",
            "stalls",
            "switches",
            "fallbacks",
            "recoveries",
            "deadline_misses",
            "bad_samples",
            "cushion_chunks",
            "drift_samples",
            "chunks",
        )
        overall = self.session()
        to_ms = 1000.0 / ready.sample_rate
        parts = stages(ready, self.recent_frames(), counters)
        return {
            "levels": self.level_rows(),
            "latest_chunks": self.latest_rows(),
            "late_chunks": self.late_chunks(),
            **{name: int(counters[name]) for name in counted},
            "chunks_left_out": self.left_out,
            "latency": {
                "algorithmic_ms": (ready.delay + ready.hop) * to_ms,
                "chunk_ms": ready.chunk * to_ms,
                "driver_in_ms": ready.driver_in_ms,
                "driver_out_ms": ready.driver_out_ms,
                "compute_p50_ms": round(overall.p50_ms, 4) if overall.chunks else None,
                "cushion_ms": counters["cushion_chunks"] * ready.chunk * to_ms,
                "parts": [{"name": part.name, "ms": round(part.ms, 3), "about": part.why} for part in parts],
                "input_to_output_ms": round(sum(part.ms for part in parts), 3),
            },
            "backend": ready.backend,
            "precision": ready.precision,
            "threads": ready.threads,
            "priority": ready.priority,
            "input": ready.input_name,
            "output": ready.output_name,
            "input_rate": ready.input_rate,
            "output_rate": ready.output_rate,
            "engine_cpu_seconds": round(counters["engine_cpu_seconds"], 3),
        }


def cause_of(flags: int) -> str | None:
    """Why a chunk with these flags missed its deadline, in words; ``None`` where it did not."""
    if not flags & DEADLINE_MISS:
        return None
    return next((CAUSES[flag] for flag in CAUSES if flags & flag), None)


def _compute_ms(rows: Frames) -> NDArray[np.float64]:
    times: NDArray[np.float64] = 1000.0 * (rows["t_done"] - rows["t_start"])
    return times


def _misses(rows: Frames) -> int:
    return int(np.count_nonzero(rows["flags"].astype(int) & DEADLINE_MISS))


def _summary(times: NDArray[np.float64], misses: int) -> Summary:
    if not len(times):
        return Summary(0, math.nan, math.nan, math.nan, math.nan, misses)
    p50, p95, p99 = np.quantile(times, [0.50, 0.95, 0.99]).tolist()
    return Summary(len(times), p50, p95, p99, float(times.max()), misses)


def _percentile(counts: NDArray[np.int64], quantile: float) -> float:
    """Geometric centre of the bin that contains the quantile."""
    index = int(np.searchsorted(np.cumsum(counts), quantile * counts.sum()))
    return math.sqrt(EDGES_MS[index] * EDGES_MS[index + 1])
