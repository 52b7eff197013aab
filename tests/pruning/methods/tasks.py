"""Tasks for testing methods by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from sepprune.pruning.budget import Budget, Floor
from sepprune.pruning.masked import MaskedModel
from sepprune.pruning.methods.learning import Learning
from sepprune.pruning.methods.protocol import Evidence, GateLoss, Task
from sepprune.pruning.structure import Structure

Masked = Callable[[Any], tuple[MaskedModel, tuple[Tensor, ...]]]


def no_masked_model(batch: Any) -> tuple[MaskedModel, tuple[Tensor, ...]]:
    raise AssertionError("this test has a loss and no masked model")


def evidence_of(loss: GateLoss, batches: Iterator[Any], masked: Masked = no_masked_model) -> Evidence:
    return Evidence(loss, masked, batches)


def task_for(
    structure: Structure,
    budget: Budget | None = None,
    learning: Learning | None = None,
    evidence: Evidence | None = None,
) -> Task:
    return Task(
        structure=structure,
        seed=0,
        device=torch.device("cpu"),
        budget=budget,
        floor=Floor(2),
        round_to=1,
        learning=learning or Learning(),
        evidence=evidence,
        progress=lambda step, value: None,
    )
