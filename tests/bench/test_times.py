"""Chunk times of levels, chunk durations and backends."""

from __future__ import annotations

import pytest

from sepprune.bench.times import Report, bench, contender_name
from sepprune.streaming import Ladder
from tests.streaming.ladders import small_ladder


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Ladder:
    return small_ladder(tmp_path_factory.mktemp("bench"), "skim")


@pytest.fixture(scope="module")
def report(ladder: Ladder) -> Report:
    return bench(ladder, [0, 2], 0.3, [2.0, 4.0], [("torch", "fp32")])


def test_there_is_a_row_for_every_level_chunk_and_backend(report: Report) -> None:
    assert [(row["level"], row["chunk_ms"], row["backend"], row["precision"]) for row in report["rows"]] == [
        (level, chunk_ms, "torch", "fp32") for chunk_ms in (2.0, 4.0) for level in (0, 2)
    ]


def test_numbers_of_threads_are_compared_in_one_run(ladder: Ladder) -> None:
    rows = bench(ladder, [0], 0.1, [2.0], [("torch", "fp32")], threads=[1, 2])["rows"]
    assert [row["threads"] for row in rows] == [1, 2]


def test_percentiles_are_in_order(report: Report) -> None:
    assert all(0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"] <= row["max_ms"] for row in report["rows"])


def test_every_row_has_a_floor_and_the_levels_cost(report: Report, ladder: Ladder) -> None:
    assert all(
        row["floor_ms"] > 0 and row["macs_per_second"] == ladder[row["level"]].macs_per_second for row in report["rows"]
    )


def test_every_stage_reports_its_share_of_the_work(ladder: Ladder) -> None:
    shares: list[float] = []
    bench(ladder, [0], 0.3, [2.0, 4.0], [("torch", "fp32")], advance=shares.append)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)


def test_without_torch_there_are_times_and_no_floor(ladder: Ladder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sepprune.bench.times.measurable", lambda: False)
    (row,) = bench(ladder, [0], 0.1, [2.0], [("torch", "fp32")])["rows"]
    assert row["floor_ms"] is None and row["p50_ms"] > 0


@pytest.mark.parametrize(("threads", "name"), [(1, "torch fp32"), (2, "torch fp32, 2 threads")])
def test_threads_are_named_where_they_are_several(report: Report, threads: int, name: str) -> None:
    assert contender_name({**report["rows"][0], "threads": threads}) == name
