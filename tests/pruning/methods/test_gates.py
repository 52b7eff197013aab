"""Learned masks find the channels that matter."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from sepprune.errors import UserError
from sepprune.pruning.budget import Budget, Floor, keep_best
from sepprune.pruning.cost import params_cost
from sepprune.pruning.methods.gates import HardSigmoid, Learning, learn_by_threshold, learn_in_budget
from sepprune.pruning.objective import freeze
from sepprune.pruning.structure import Structure, discover
from tests.pruning.small_separators import MIXTURE, build


@cache
def structure() -> Structure:
    return discover(freeze(build("global norms and skips")), [(MIXTURE,)])


def wanted() -> np.ndarray:
    """Every other channel matters."""
    return np.arange(int(structure().sizes.sum())) % 2 == 0


def loss(gates: Tensor, batch: object) -> Tensor:
    return ((1 - gates) * torch.from_numpy(wanted()).float()).sum()


def test_channels_that_the_loss_needs_are_kept_within_a_budget() -> None:
    budget = Budget.of("params", 0.4, params_cost(structure()), structure(), Floor(2))
    logits = learn_in_budget(
        structure(),
        loss,
        iter(int, 1),
        budget,
        Floor(2),
        Learning(60),
        0,
        torch.device("cpu"),
        None,
        lambda step, value: None,
    )
    kept = keep_best(structure(), budget, logits, Floor(2))
    assert wanted()[kept].mean() > 0.85


def test_an_unknown_start_is_named() -> None:
    with pytest.raises(UserError, match="choose taylor or equal"):
        Learning(start="random")


def test_the_published_rule_closes_what_the_loss_pays_for() -> None:
    def closing(gates: Tensor, batch: object) -> Tensor:
        return loss(gates, batch) + (gates * torch.from_numpy(~wanted()).float()).sum()

    _, kept = learn_by_threshold(
        structure(), closing, iter(int, 1), 0.7, Learning(60), 0, torch.device("cpu"), lambda step, value: None
    )
    assert (kept == wanted()).mean() > 0.95


def test_the_published_gate_is_hard_and_clips_its_gradient() -> None:
    probability = torch.tensor([0.6, 0.8], requires_grad=True)
    gate = HardSigmoid.apply(probability, 0.7)
    (gate * torch.tensor([3.0, -0.5])).sum().backward()
    assert gate.tolist() == [0, 1]
    assert probability.grad.tolist() == [1, -0.5]
