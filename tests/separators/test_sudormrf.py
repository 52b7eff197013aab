"""SuDoRM-RF 1.0x as published."""

from collections.abc import Callable

import pytest
import torch

from sepprune.pruning import analyze
from sepprune.separators import build_separator


def test_costs_are_the_published_ones(costs: Callable[[str], tuple[float, float]]) -> None:
    params, gmacs = costs("sudormrf-1.0x")
    assert params == pytest.approx(2.72, rel=0.01)
    assert gmacs == pytest.approx(4.65, rel=0.02)


def test_the_channels_that_the_paper_prunes_are_one_group_a_block() -> None:
    separator = build_separator("sudormrf-1.0x", bottleneck=6, hidden=8, blocks=3, scales=3, basis=10)
    groups = analyze(separator, 0.1 * torch.randn(1, 800), include=["network.*.pyramid.expand.norm"]).groups
    assert [(group["id"], group["channels"]) for group in groups] == [
        (f"network.{block}.pyramid.expand.conv", 8) for block in range(3)
    ]
