"""Reports of synthetic machines, measured with a virtual clock."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sepprune.bench.latency import LatencyReport, ReportSettings, measure, without_raw
from sepprune.bench.pace import BLOCK
from sepprune.bench.rows import Row, blocks_of
from sepprune.bench.times import Contender
from tests.bench.virtual import Law, VirtualClock, synthetic_report, synthetic_subject

OPENVINO, TORCH = ("openvino", "fp32"), ("torch", "fp32")
ONE = ReportSettings([0], [8.0], [OPENVINO])


def law(random: np.random.Generator, one: Contender, chunk_ms: float, time: float) -> float:
    """Level 0 takes 1 ms, every next half of it; torch is three times slower."""
    return 0.5**one.level * (3 if one.backend == "torch" else 1) * float(random.lognormal(0, 0.2))


def paced_row(report: LatencyReport) -> Row:
    [row] = (row for row in report["rows"] if row["paced"] and not row["soak"])
    return row


@pytest.fixture(scope="module")
def full() -> LatencyReport:
    return synthetic_report(
        law, ReportSettings([0, 2], [4.0, 8.0], [OPENVINO, TORCH], seconds=1.0, soak_s=10.0, seed=3)
    )


def test_there_is_a_row_for_every_level_backend_chunk_and_pace(full: LatencyReport) -> None:
    rows = [(row["level"], row["backend"], row["chunk_ms"], row["paced"]) for row in full["rows"] if not row["soak"]]
    assert sorted(rows) == [
        (level, backend, chunk_ms, paced)
        for level in (0, 2)
        for backend in ("openvino", "torch")
        for chunk_ms in (4.0, 8.0)
        for paced in (False, True)
    ]


def test_the_soak_runs_the_first_level_on_its_fastest_backend(full: LatencyReport) -> None:
    [soak] = (row for row in full["rows"] if row["soak"])
    assert (soak["level"], soak["backend"], soak["chunk_ms"], soak["chunks"]) == (0, "openvino", 8.0, 1250)


def test_rows_take_turns_within_a_chunk_duration(full: LatencyReport) -> None:
    some = [row["raw"]["starts_s"] for row in full["rows"] if row["chunk_ms"] == 4.0]
    assert all(first[1] > second[0] for first in some for second in some)


def test_the_order_follows_the_seed() -> None:
    settings = [ReportSettings([0, 1], [8.0], [OPENVINO], seconds=1, seed=seed) for seed in (1, 1, 2)]
    orders = [[row["raw"]["starts_s"] for row in synthetic_report(law, one)["rows"]] for one in settings]
    assert orders[0] == orders[1] != orders[2]


def test_all_is_json_and_the_short_form_lacks_only_the_raw_times(full: LatencyReport) -> None:
    text = json.dumps(full, allow_nan=False)
    assert set(full["rows"][0]) - set(without_raw(full)["rows"][0]) == {"raw"}
    assert len(json.dumps(without_raw(full))) < len(text)


@pytest.mark.parametrize("chunk_ms", [4.0, 8.0, 16.0])
def test_a_row_has_the_chunks_that_bound_misses_by_one_in_a_thousand(chunk_ms: float) -> None:
    row = paced_row(synthetic_report(law, ReportSettings([0], [chunk_ms], [OPENVINO])))
    assert row["chunks"] == 3000 and row["misses"] == 0 and row["miss_rate_upper"] == 0.001


def test_known_percentiles_come_out(full: LatencyReport) -> None:
    row = paced_row(synthetic_report(law, ONE))
    assert row["p50_ms"] == pytest.approx(1.0, rel=0.03)
    assert row["p99_interval_ms"] is not None
    assert row["p99_interval_ms"][0] <= np.exp(0.2 * 2.3263) <= row["p99_interval_ms"][1]
    assert row["rtf"] == pytest.approx(np.exp(0.02) / 8, rel=0.03)


def test_p999_is_stated_only_from_7500_chunks() -> None:
    few, many = (
        paced_row(synthetic_report(law, ReportSettings([0], [4.0], [OPENVINO], seconds=0.004 * chunks)))
        for chunks in (7499, 7500)
    )
    assert few["p999_ms"] is None and many["p999_ms"] is not None


def test_percentiles_that_the_chunks_cannot_show_are_not_stated() -> None:
    row = paced_row(synthetic_report(law, ReportSettings([0], [8.0], [OPENVINO], seconds=0.5)))
    assert row["chunks"] == BLOCK and row["p95_ms"] is None and row["p99_ms"] is None and row["p50_ms"] > 0


def test_known_misses_are_counted() -> None:
    def every_hundredth(random: np.random.Generator, one: Contender, chunk_ms: float, time: float) -> float:
        return 9.0 if random.random() < 0.01 else 1.0

    row = paced_row(synthetic_report(every_hundredth, ONE))
    assert row["misses"] == pytest.approx(30, abs=17)  # three standard deviations
    assert row["misses"] / 3000 < row["miss_rate_upper"] < 0.025


def test_a_chunk_that_waited_too_long_is_a_miss_though_its_own_time_is_short() -> None:
    def rare_stop(random: np.random.Generator, one: Contender, chunk_ms: float, time: float) -> float:
        return 36.0 if random.random() < 0.001 else 1.0

    row = paced_row(synthetic_report(rare_stop, ONE, seed=1))
    long = sum(int((times > 8).sum()) for times in blocks_of(row))
    assert long and row["misses"] >= 4 * long - 3  # itself and the next three, unless the block ends before


def test_a_drift_of_a_tenth_is_reported_and_warned_of() -> None:
    def slower(random: np.random.Generator, one: Contender, chunk_ms: float, time: float) -> float:
        return (1 + 0.1 * time / 60) * float(random.lognormal(0, 0.1))

    report = synthetic_report(slower, ReportSettings([0], [8.0], [OPENVINO], seconds=60))
    row = paced_row(report)
    assert row["drift"] == pytest.approx(1 + 0.1 * report["seconds"] / 60, rel=0.01)
    assert any("drifted" in text for text in report["warnings"])


def test_two_modes_are_reported_and_warned_of() -> None:
    def two(random: np.random.Generator, one: Contender, chunk_ms: float, time: float) -> float:
        return (1.0 if random.random() < 0.7 else 2.0) * float(random.lognormal(0, 0.05))

    report = synthetic_report(two, ONE)
    assert paced_row(report)["bimodal"] and any("two modes" in text for text in report["warnings"])


def test_a_steady_machine_has_no_warning_about_its_rows() -> None:
    report = synthetic_report(law, ONE)
    assert not [text for text in report["warnings"] if "drift" in text or "modes" in text or "too few" in text]


def test_an_interruption_keeps_the_complete_blocks_and_says_so() -> None:
    def stops(random: np.random.Generator, one: Contender, chunk_ms: float, time: float) -> float:
        if time > 6:
            raise KeyboardInterrupt
        return 1.0

    report = synthetic_report(stops, ONE)
    assert report["interrupted"] and any("interrupted" in text for text in report["warnings"])
    assert 0 < paced_row(report)["chunks"] < 3000 and paced_row(report)["chunks"] % BLOCK == 0


def test_an_interruption_before_the_first_block_gives_a_report_without_rows() -> None:
    def stops(random: np.random.Generator, one: Contender, chunk_ms: float, time: float) -> float:
        raise KeyboardInterrupt

    report = synthetic_report(stops, ONE)
    assert report["rows"] == [] and report["safe"] == [] and "no verdict" in report["verdict"]


@pytest.mark.parametrize("levels", [1, 8])
def test_the_quick_mode_takes_about_a_minute_of_sound(levels: int) -> None:
    settings = ReportSettings(list(range(levels)), [8.0], [OPENVINO], quick=True)
    assert 40 < settings.planned_s() < 60
    assert settings.chunks(8.0) >= 368  # enough for p99


def test_advance_reports_all_planned_seconds() -> None:
    settings = ReportSettings([0, 1], [4.0, 8.0], [OPENVINO], seconds=64 * 0.008 * 4, soak_s=64 * 0.008)
    clock, seconds = VirtualClock(), list[float]()
    measure(synthetic_subject(law, settings, clock), settings, seconds.append, clock)
    assert sum(seconds) == pytest.approx(settings.planned_s())


def test_the_safe_list_is_what_the_verdict_is_about() -> None:
    heavy: Law = lambda random, one, chunk_ms, time: 6.0 if one.level == 0 else 1.0  # noqa: E731
    report = synthetic_report(heavy, ReportSettings([0, 4], [4.0, 8.0], [OPENVINO]))
    assert [(one["level"], one["chunk_ms"]) for one in report["safe"]] == [(4, 4.0), (0, 8.0), (4, 8.0)]
    assert (
        "runs level 4 at 4 ms and level 0 at 8 ms with fewer than 1 miss in 1,000 chunks (95 %)." in report["verdict"]
    )
