"""The protocol of pruning methods: a method gets a :class:`Task` and returns a :class:`Choice`.

Most methods score every channel and keep the best ones that the budget allows. They derive from :class:`Ranking` and
write :meth:`Ranking.scores` only. Any other object with the attributes of :class:`Method` works too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ...errors import UserError
from ..arrays import Bools, Floats
from ..batches import Batch
from ..budget import Budget, Floor, keep_best
from ..masked import MaskedModel
from ..removals import close_branches
from ..structure import Structure
from .learning import Learning

#: loss of a batch with these gates, ``(channels,)``; differentiable in the gates
GateLoss = Callable[[Tensor, Batch], Tensor]


@dataclass(frozen=True)
class Evidence:
    """Data for methods that need it.

    Attributes:
        loss: loss of gates and a batch.
        masked: gives the masked model for a batch, and the module's inputs in the batch.
        batches: an endless stream of batches.
    """

    loss: GateLoss
    masked: Callable[[Batch], tuple[MaskedModel, tuple[Tensor, ...]]]
    batches: Iterator[Batch]


@dataclass(frozen=True)
class Task:
    """Input of a method.

    Attributes:
        structure: channel groups of the module.
        seed: of all random numbers.
        device: device of the module; gates are made on it.
        budget: the highest cost; ``None`` for a method that sets its own rate.
        floor: how many channels every group keeps at least.
        round_to: keep multiples of this many channels.
        learning: settings of mask learning.
        evidence: ``None`` for a method that needs no data.
        progress: called with the step and its loss.
        compare: which groups' scores are compared with each other, see :data:`~sepprune.pruning.ratios.COMPARISONS`.
    """

    structure: Structure
    seed: int
    device: torch.device
    budget: Budget | None
    floor: Floor
    round_to: int
    learning: Learning
    evidence: Evidence | None
    progress: Callable[[int, float], None]
    compare: str = "model"

    @property
    def channels(self) -> int:
        """Number of channels of all groups."""
        return int(self.structure.sizes.sum())

    def given_evidence(self, method: str) -> Evidence:
        """The evidence.

        Raises:
            UserError: there is none.
        """
        if self.evidence is None:
            raise UserError(f"the method {method} needs data: give batches of (mixture, references)")
        return self.evidence

    def given_budget(self, method: str) -> Budget:
        """The budget.

        Raises:
            UserError: there is none.
        """
        if self.budget is None:
            raise UserError(f"the method {method} needs a budget: give macs, params or chunk_time")
        return self.budget


@dataclass(frozen=True)
class Choice:
    """Result of a method.

    Attributes:
        scores: of all channels, ``(channels,)``; the plan keeps them.
        kept: which channels are kept, ``(channels,)``.
    """

    scores: Floats
    kept: Bools


class Method(Protocol):
    """A pruning method."""

    @property
    def name(self) -> str:
        """The name in plans and reports."""

    @property
    def needs_data(self) -> bool:
        """Whether the method uses :attr:`Task.evidence`."""

    def choose(self, task: Task) -> Choice:
        """Choose the channels that are kept."""


class Ranking(ABC):
    """A method that scores every channel and keeps the best ones that the budget allows."""

    name: str
    needs_data: bool = False

    @abstractmethod
    def scores(self, task: Task) -> Floats:
        """Scores of all channels, ``(channels,)``; higher is more important. By default groups are compared by them."""

    def choose(self, task: Task) -> Choice:
        """Keep the channels with the highest scores of the whole model."""
        budget = task.given_budget(self.name)
        scores = checked_scores(self.name, self.scores(task), self.needs_data)
        kept = keep_best(task.structure, budget, scores, task.floor, task.round_to, task.compare)
        return Choice(scores, close_branches(task.structure, kept))


def checked_scores(method: str, scores: Floats, from_data: bool) -> Floats:
    """The scores, where they rank channels.

    Args:
        method: its name.
        scores: of all channels, ``(channels,)``.
        from_data: whether they depend on data.

    Raises:
        UserError: a score is not finite, or data gave every channel the score 0.
    """
    if not np.isfinite(scores).all():
        raise UserError(
            f"the method {method} gives scores that are not finite: check that the {'data' if from_data else 'weights'}"
            " have no values that are NaN, infinite or extremely large"
        )
    if from_data and not scores.any():
        raise UserError(
            f"the method {method} gives every channel the score 0, so that the data tells nothing about them: check "
            "that the data is not silent and that the loss depends on the estimate"
        )
    return scores
