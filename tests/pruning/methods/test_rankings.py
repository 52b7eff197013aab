"""Methods that score channels rank them as their papers say."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sepprune.pruning.methods.protocol import Ranking
from sepprune.pruning.methods.registry import REGISTRY
from sepprune.pruning.methods.taylor import Taylor
from sepprune.pruning.objective import Objective, freeze
from sepprune.pruning.structure import Structure, discover
from tests.pruning.methods.tasks import evidence_of, task_for

RANKINGS = [name for name in REGISTRY if name != "sepprune"]


class Chain(nn.Module):
    """Eight channels in one group: 0 is zero, 1 and 2 are alike, 7 is the largest."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.into, self.out = nn.Conv1d(1, 8, 5, padding=2), nn.Conv1d(8, 2, 1)
        with torch.no_grad():
            for tensor in (self.into.weight, self.into.bias):
                tensor[0] = 0
            self.out.weight[:, 0] = 0
            for tensor in (self.into.weight, self.out.weight.transpose(0, 1)):
                tensor[7] *= 5
                tensor[2] = tensor[1]

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.into(x.unsqueeze(1)).tanh())


@cache
def structure() -> Structure:
    return discover(freeze(Chain()), [(torch.randn(2, 64),)])


def scores(name: str) -> np.ndarray:
    objective = Objective(structure(), lambda estimate, target: (estimate - target).square().mean(), 2)
    generator = torch.Generator().manual_seed(0)
    batches = iter(lambda: (torch.randn(2, 64, generator=generator), torch.randn(2, 2, 64, generator=generator)), None)
    method = REGISTRY[name]
    assert isinstance(method, Ranking)
    return method.scores(task_for(structure(), evidence=evidence_of(objective, batches, objective.masked)))


@pytest.mark.parametrize("name", RANKINGS)
def test_every_channel_has_a_finite_score(name: str) -> None:
    assert scores(name).shape == (8,) and np.isfinite(scores(name)).all()


@pytest.mark.parametrize("name", ["l1", "l2", "lamp", "taylor"])
def test_a_dead_channel_is_the_least_important(name: str) -> None:
    assert scores(name).argmin() == 0


@pytest.mark.parametrize("name", ["l1", "l2", "lamp", "fpgm"])
def test_the_largest_channel_is_the_most_important(name: str) -> None:
    assert scores(name).argmax() == 7


def test_lamp_gives_the_largest_channel_one() -> None:
    assert scores("lamp").max() == pytest.approx(1)


def test_a_constant_feature_map_has_the_lowest_rank() -> None:
    assert scores("hrank").argmin() == 0


@pytest.mark.parametrize("name", ["l1", "l2", "lamp", "fpgm"])
def test_the_imaginary_part_of_a_complex_weight_counts(name: str) -> None:
    class Rotated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.into, self.out = nn.Linear(4, 8, dtype=torch.cfloat), nn.Linear(8, 2, dtype=torch.cfloat)
            with torch.no_grad():
                self.into.weight[7] = 5j  # large, without a real part

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.into(x.to(torch.cfloat))).real

    found = discover(freeze(Rotated()), [(torch.randn(2, 4),)])
    method = REGISTRY[name]
    assert isinstance(method, Ranking)
    assert method.scores(task_for(found)).argmax() == 7


def test_taylor_is_the_squared_gradient_of_the_gate() -> None:
    def loss(gates: Tensor, batch: Tensor) -> Tensor:
        return (gates * batch).sum()

    evidence = evidence_of(loss, iter(lambda: torch.arange(8.0), None))
    found = Taylor(batches=3).scores(task_for(structure(), evidence=evidence))
    assert found.tolist() == (np.arange(8.0) ** 2).tolist()
