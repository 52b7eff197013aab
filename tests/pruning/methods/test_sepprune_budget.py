"""SepPrune with a budget finds the channels that the loss needs, at the cost that is allowed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from sepprune.errors import UserError
from sepprune.pruning.budget import Budget, Floor
from sepprune.pruning.cost import macs_cost, params_cost
from sepprune.pruning.methods.learning import Learning
from sepprune.pruning.methods.sepprune_budget import ExpectedCost, SepPrune
from sepprune.pruning.objective import freeze
from sepprune.pruning.structure import Structure, discover
from tests.pruning.methods.tasks import evidence_of, task_for
from tests.pruning.small_separators import MIXTURE, build


@cache
def structure() -> Structure:
    return discover(freeze(build("global norms and skips")), [(MIXTURE,)])


def test_channels_that_the_loss_needs_are_kept_within_a_budget() -> None:
    wanted = np.arange(int(structure().sizes.sum())) % 2 == 0

    def loss(gates: Tensor, batch: object) -> Tensor:
        return ((1 - gates) * torch.from_numpy(wanted).float()).sum()

    budget = Budget.of("params", 0.4, params_cost(structure()), structure(), Floor(2))
    task = task_for(structure(), budget, learning=Learning(60, start="equal"), evidence=evidence_of(loss, iter(int, 1)))
    kept = SepPrune().choose(task).kept
    assert wanted[kept].mean() > 0.85
    assert budget.cost.total(structure().counts(kept)) <= budget.limit


def test_an_unknown_start_is_named() -> None:
    with pytest.raises(UserError, match="choose taylor or equal"):
        Learning(start="random")


def test_a_missing_budget_is_named() -> None:
    evidence = evidence_of(lambda gates, batch: gates.sum(), iter(int, 1))
    with pytest.raises(UserError, match="sepprune needs a budget"):
        SepPrune().choose(task_for(structure(), evidence=evidence))


def test_the_threshold_meets_the_budget_in_expectation_and_follows_the_logits() -> None:
    budget = Budget.of("macs", 0.5, macs_cost(structure(), 1.0), structure(), Floor(2))
    expected = ExpectedCost(structure(), budget, 1.0, torch.device("cpu"))
    logits = torch.randn(int(structure().sizes.sum()), generator=torch.Generator().manual_seed(0)).requires_grad_()
    threshold = expected.threshold(logits)
    assert float(expected(logits, threshold).detach()) == pytest.approx(0.5, abs=1e-4)
    (gradient,) = torch.autograd.grad(threshold, logits)
    index = int(gradient.argmax())
    step = torch.zeros_like(logits)
    step[index] = 0.05
    slope = (expected.threshold(logits + step) - expected.threshold(logits - step)) / 0.1
    assert float(slope.detach()) == pytest.approx(float(gradient[index]), rel=0.05)
