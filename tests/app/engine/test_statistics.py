"""Percentiles of chunk times: right within a bin, for each level, without transitions."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.events import Ready
from app.engine.statistics import LatencyStatistics
from app.engine.telemetry import COMPUTED, COUNTERS, DEADLINE_MISS, FRAME, TRANSITION, WAITED, WARM_UP

READY = Ready((), 16_000, 128, 128, 128, "openvino", "fp32", "demo", "none", "demo", "none", 16_000, 0)


def frames(times_ms: list[float], level: int = 0, flags: int = 0, start: float = 0.0) -> np.ndarray:
    """Rows of chunks with these chunk times, one every 8 ms."""
    rows = np.zeros(len(times_ms), FRAME)
    rows["t_start"] = start + 0.008 * np.arange(len(times_ms))
    rows["t_done"] = rows["t_start"] + np.array(times_ms) / 1000
    rows["level"], rows["flags"] = level, flags
    return rows


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=300))
def test_session_percentiles_are_right_within_two_percent(times: list[float]) -> None:
    statistics = LatencyStatistics()
    statistics.add(frames(times))
    found, exact = statistics.session(), np.quantile(times, [0.5, 0.95, 0.99], method="inverted_cdf")
    assert [found.p50_ms, found.p95_ms, found.p99_ms] == pytest.approx(exact.tolist(), rel=0.02)


def test_the_maximum_is_exact() -> None:
    statistics = LatencyStatistics()
    statistics.add(frames([1.0, 7.123, 2.0]))
    assert statistics.session().max_ms == pytest.approx(7.123)


def test_levels_are_kept_apart() -> None:
    statistics = LatencyStatistics()
    statistics.add(np.concatenate([frames([4.0] * 10, level=0), frames([1.0] * 5, level=3)]))
    rows = statistics.level_rows()
    assert [(row["level"], row["chunks"], row["max_ms"]) for row in rows] == [(0, 10, 4.0), (3, 5, 1.0)]


@pytest.mark.parametrize("flag", [TRANSITION, WARM_UP])
def test_transitions_and_warm_up_are_left_out_and_counted(flag: int) -> None:
    statistics = LatencyStatistics()
    statistics.add(frames([50.0] * 3, flags=flag))
    assert (statistics.session().chunks, statistics.left_out) == (0, 3)


def test_deadline_misses_are_counted() -> None:
    statistics = LatencyStatistics()
    statistics.add(np.concatenate([frames([9.0] * 2, flags=DEADLINE_MISS), frames([1.0] * 8)]))
    assert statistics.session().deadline_misses == statistics.recent().deadline_misses == 2


def test_the_latest_chunks_are_listed_with_the_parts_of_their_time() -> None:
    rows = frames([1.0, 2.0, 1.0], level=2)
    rows["t_in"] = rows["t_start"] - [0.0, 0.0, 0.030]
    statistics = LatencyStatistics()
    statistics.add(rows[:2])
    statistics.add(rows[2:])
    latest = statistics.latest_rows()
    assert [(row["queue_ms"], row["compute_ms"]) for row in latest] == [(30.0, 1.0), (0.0, 2.0), (0.0, 1.0)]
    assert latest[1] == {"seconds": 0.008, "level": 2, "queue_ms": 0.0, "compute_ms": 2.0, "late_because": None}


def test_recent_forgets_after_ten_seconds() -> None:
    statistics = LatencyStatistics()
    statistics.add(frames([100.0] * 10))
    statistics.add(frames([1.0] * 2000, start=1.0))
    assert statistics.recent().max_ms == pytest.approx(1.0) and statistics.session().max_ms == pytest.approx(100.0)


def test_any_split_of_the_rows_gives_the_same_report() -> None:
    rows = frames(np.random.default_rng(0).gamma(2, 1, 500).tolist())
    whole, parts = LatencyStatistics(), LatencyStatistics()
    whole.add(rows)
    for part in np.array_split(rows, 37):
        parts.add(part)
    counters = dict.fromkeys(COUNTERS, 0.0)
    assert whole.report(READY, counters) == parts.report(READY, counters)


def test_the_report_has_the_contract_s_keys_and_is_json_even_when_nothing_ran() -> None:
    report = LatencyStatistics().report(READY, dict.fromkeys(COUNTERS, 0.0))
    assert {
        "levels",
        "input_overflows",
        "output_underflows",
        "ring_overruns",
        "stalls",
        "switches",
        "latency",
        "backend",
    } <= set(json.loads(json.dumps(report, allow_nan=False)))


def test_the_report_adds_hop_and_delay_to_the_algorithmic_latency() -> None:
    latency = LatencyStatistics().report(READY, dict.fromkeys(COUNTERS, 0.0))["latency"]
    assert (latency["algorithmic_ms"], latency["chunk_ms"]) == (16.0, 8.0)


def test_late_chunks_are_counted_by_cause_and_explained() -> None:
    statistics = LatencyStatistics()
    statistics.add(
        np.concatenate([frames([9.0] * 2, flags=DEADLINE_MISS | COMPUTED), frames([1.0], flags=DEADLINE_MISS | WAITED)])
    )
    statistics.add(frames([1.0] * 3, flags=COMPUTED))  # in time
    assert statistics.late_chunks() == {"processor": 1, "compute": 2, "device": 0}
    assert statistics.latest_rows()[0]["late_because"] == "took long"
    assert statistics.latest_rows()[-1]["late_because"] is None


def test_the_report_s_parts_add_up_to_the_way_from_input_to_output() -> None:
    statistics = LatencyStatistics()
    statistics.add(frames([1.0] * 10))
    latency = statistics.report(READY, dict.fromkeys(COUNTERS, 0.0))["latency"]
    assert latency["input_to_output_ms"] == pytest.approx(sum(part["ms"] for part in latency["parts"]))
    assert {"name": "compute", "ms": 1.0} in [{key: part[key] for key in ("name", "ms")} for part in latency["parts"]]
