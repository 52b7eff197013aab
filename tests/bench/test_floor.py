"""The floor is all of a step's multiply-adds, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sepprune.bench.floor import floor_of, matrix_products, measurable
from sepprune.separators import build_separator
from tests.streaming.ladders import SETTINGS, small_ladder


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


def test_a_floor_runs_as_often_as_it_is_called(tmp_path: Path) -> None:
    floor = floor_of(small_ladder(tmp_path, "skim"), 0, 64)
    assert measurable() and floor() is None and floor() is None
