from __future__ import annotations

from pathlib import Path

import matplotlib.image
import pytest
import torch

from sepprune.bench.times import bench, matrix_products, plot
from sepprune.separators import build_separator
from sepprune.streaming import Ladder
from tests.streaming.ladders import SETTINGS, small_ladder


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Ladder:
    return small_ladder(tmp_path_factory.mktemp("bench"), "skim")


@pytest.fixture(scope="module")
def report(ladder: Ladder) -> dict:
    return bench(ladder, [0, 2], 0.3, [2.0, 4.0], [("torch", "fp32")])


def test_there_is_a_row_for_every_level_chunk_and_backend(report: dict) -> None:
    assert [(row["level"], row["chunk_ms"], row["backend"], row["precision"]) for row in report["rows"]] == [
        (level, chunk_ms, "torch", "fp32") for chunk_ms in (2.0, 4.0) for level in (0, 2)
    ]


def test_numbers_of_threads_are_compared_in_one_run(ladder: Ladder) -> None:
    rows = bench(ladder, [0], 0.1, [2.0], [("torch", "fp32")], threads=[1, 2])["rows"]
    assert [row["threads"] for row in rows] == [1, 2]


def test_percentiles_are_in_order(report: dict) -> None:
    assert all(0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"] <= row["max_ms"] for row in report["rows"])


def test_every_row_has_a_floor_and_the_levels_cost(report: dict, ladder: Ladder) -> None:
    assert all(
        row["floor_ms"] > 0 and row["macs_per_second"] == ladder[row["level"]].macs_per_second for row in report["rows"]
    )


def test_every_stage_reports_its_share_of_the_work(ladder: Ladder) -> None:
    shares: list[float] = []
    bench(ladder, [0], 0.3, [2.0, 4.0], [("torch", "fp32")], advance=shares.append)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        # encoder, bottleneck, 2 blocks of (input and recurrent products of 4 gates, projection), mask, decoder;
        # consistency: what narrows down, input and recurrent products of 4 gates, shares
        (
            "skim",
            128 * 128
            + 64 * 24
            + 2 * (24 * 64 + 16 * 64 + 16 * 24)
            + 24 * 256
            + 2 * 128 * 64
            + 24 * 5
            + (5 + 4) * 20
            + 5 * 20
            + 5 * 2,
        ),
        # encoder, bottleneck, 3 blocks of (expand, depthwise, project), mask, decoder
        ("conv-tasnet", 128 * 128 + 64 * 16 + 3 * (16 * 24 + 3 * 24 + 24 * 16) + 16 * 256 + 2 * 128 * 64),
    ],
)
@pytest.mark.parametrize("hops", [1, 3])
def test_the_floors_products_are_all_of_a_steps_multiply_adds(family: str, expected: int, hops: int) -> None:
    products = matrix_products(build_separator(family, **SETTINGS[family]).eval(), 32 * hops)
    assert sum(rows * inner * columns for rows, inner, columns in products) == expected * hops


def test_counting_products_leaves_torch_as_it_was() -> None:
    before = torch.backends.mkldnn.enabled
    matrix_products(build_separator("skim", **SETTINGS["skim"]).eval(), 32)
    assert torch.backends.mkldnn.enabled == before


def test_the_plot_is_a_picture(report: dict, tmp_path: Path) -> None:
    plot(report, tmp_path / "bench.png")
    assert matplotlib.image.imread(tmp_path / "bench.png").std() > 0
