"""A-FRCNN as published."""

from collections.abc import Callable

import pytest
import torch

from sepprune.pruning import analyze
from sepprune.separators import build_separator

Costs = Callable[[str], tuple[float, float]]


@pytest.mark.parametrize(("name", "gmacs"), [("afrcnn-12", 28.58), ("afrcnn-16", 37.44)])
def test_costs_are_the_published_ones(costs: Costs, name: str, gmacs: float) -> None:
    params, counted = costs(name)
    assert params == pytest.approx(5.13, rel=0.01)
    assert counted == pytest.approx(gmacs, rel=0.02)


def test_iterations_share_their_parameters(costs: Costs) -> None:
    assert costs("afrcnn-12")[0] == costs("afrcnn-16")[0]


def test_the_channels_that_the_paper_prunes_are_groups_of_their_own() -> None:
    separator = build_separator("afrcnn-12", bottleneck=6, hidden=8, iterations=2, basis=10)
    groups = analyze(separator, 0.1 * torch.randn(1, 800), include=["network.block.fuse.*.norm"]).groups
    assert [(group["channels"], group["layers"]) for group in groups] == [
        (8, [f"network.block.fuse.{scale}.conv", f"network.block.fuse.{scale}.norm", "network.block.merge.conv"])
        for scale in range(4)
    ]
