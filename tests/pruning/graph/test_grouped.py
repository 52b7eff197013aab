"""Grouped convolutions lose whole groups, or the same channels in every group; both are exact."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from sepprune.pruning import Floor, PruningPlan, analyze, prune
from tests.pruning.small_separators import shake

MIXTURE = torch.randn(2, 1, 40, generator=torch.Generator().manual_seed(0))


def chain(channels: int, *layers: nn.Module) -> nn.Module:
    """Layers from 32 to so many channels, between two convolutions."""
    return nn.Sequential(nn.Conv1d(1, 32, 3, padding=1), *layers, nn.Conv1d(channels, 2, 1))


def ready(model: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return shake(model).eval()


WHOLE: dict[str, Callable[[], nn.Module]] = {
    "two convolutions": lambda: chain(
        48, nn.Conv1d(32, 32, 3, padding=1, groups=16), nn.ReLU(), nn.Conv1d(32, 48, 1, groups=16)
    ),
    "a dilation of the same number": lambda: chain(32, nn.Conv1d(32, 32, 3, padding=16, dilation=16, groups=16)),
    "transposed": lambda: chain(48, nn.ConvTranspose1d(32, 48, 3, padding=1, groups=16)),
    "transposed depthwise, several outputs": lambda: chain(64, nn.ConvTranspose1d(32, 64, 3, padding=1, groups=32)),
    "a norm of every group": lambda: chain(32, nn.Conv1d(32, 32, 3, padding=1, groups=16), nn.GroupNorm(16, 32)),
    "weight norm": lambda: chain(32, parametrizations.weight_norm(nn.Conv1d(32, 32, 3, padding=1, groups=16))),
    "channel shuffle": lambda: chain(
        32,
        nn.Conv1d(32, 32, 3, padding=1, groups=16),
        nn.ChannelShuffle(16),
        nn.Conv1d(32, 32, 1, groups=16),
        nn.BatchNorm1d(32),
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_groups_go(name: str) -> None:
    dense = ready(WHOLE[name]())
    result = prune(dense, MIXTURE, macs=0.25, method="l2", floor=Floor(2))
    convolutions = [part for part in result.model if isinstance(part, nn.modules.conv._ConvNd) and part.groups > 1]
    assert convolutions and all(part.groups < 16 for part in convolutions)
    again = PruningPlan.from_json(result.plan.to_json()).apply(dense)
    assert torch.equal(again(MIXTURE), result.model(MIXTURE))


def test_few_wide_groups_lose_the_same_channels_in_every_group() -> None:
    dense = ready(chain(32, nn.Conv1d(32, 32, 3, padding=1, groups=4), nn.GroupNorm(4, 32)))
    result = prune(dense, MIXTURE, macs=0.3, method="l2", floor=Floor(2))
    assert result.model[1].groups == result.model[2].num_groups == 4
    assert result.model[1].weight.shape[1] < 8


UNITS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "whole groups": (WHOLE["two convolutions"], 16, 2),
    "the same channels in every group": (lambda: chain(32, nn.Conv1d(32, 32, 3, padding=1, groups=4)), 8, 4),
    "every channel alone": (lambda: chain(32, nn.Conv1d(32, 32, 3, padding=1, groups=32)), 32, 1),
    "hidden units of an LSTM": (lambda: Recurrent(), 8, 1),
}


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.network, self.last = nn.LSTM(40, 8, bidirectional=True), nn.Linear(16, 2)

    def forward(self, frames: Tensor) -> Tensor:
        return self.last(self.network(frames)[0])


@pytest.mark.parametrize("name", UNITS)
def test_groups_say_how_many_channels_are_dropped_together(name: str) -> None:
    make, channels, unit = UNITS[name]
    [group, *_] = analyze(ready(make()), MIXTURE).groups
    assert (group["channels"], group["unit"]) == (channels, unit)


def test_a_grouped_convolution_that_loses_groups_is_not_reported_as_blocked() -> None:
    analysis = analyze(ready(WHOLE["two convolutions"]()), MIXTURE)
    assert {reason.layer for reason in analysis.blocked} == {"4"}


class Literal(nn.Module):
    """The number of groups is in the code, where no plan can correct it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv1d(1, 32, 3, padding=1), nn.Conv1d(32, 2, 1)
        self.weight = nn.Parameter(torch.randn(32, 2, 3))

    def forward(self, mixture: Tensor) -> Tensor:
        return self.last(nn.functional.conv1d(self.first(mixture), self.weight, padding=1, groups=16))


def test_a_number_of_groups_in_the_code_stays() -> None:
    torch.manual_seed(0)
    result = prune(shake(Literal()), MIXTURE, macs=0.9, method="l2", floor=Floor(1))
    assert all(reason["op"] != "surgery" for reason in result.report["blocked"])
