"""SepPrune as published closes the gates of channels that raise the loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from sepprune.errors import UserError
from sepprune.pruning.methods.learning import Learning
from sepprune.pruning.methods.sepprune_threshold import SepPruneThreshold
from sepprune.pruning.objective import freeze
from sepprune.pruning.structure import discover
from tests.pruning.methods.tasks import evidence_of, task_for
from tests.pruning.small_separators import MIXTURE, build


def test_the_published_rule_keeps_what_lowers_the_loss_and_drops_what_raises_it() -> None:
    structure = discover(freeze(build("global norms and skips")), [(MIXTURE,)])
    wanted = np.arange(int(structure.sizes.sum())) % 2 == 0

    def loss(gates: Tensor, batch: object) -> Tensor:
        needed, harmful = torch.from_numpy(wanted).float(), torch.from_numpy(~wanted).float()
        return ((1 - gates) * needed).sum() + (gates * harmful).sum()

    task = task_for(structure, learning=Learning(60), evidence=evidence_of(loss, iter(int, 1)))
    assert (SepPruneThreshold(0.7).choose(task).kept == wanted).mean() > 0.95


def test_missing_data_are_named() -> None:
    structure = discover(freeze(build("global norms and skips")), [(MIXTURE,)])
    with pytest.raises(UserError, match="sepprune needs data"):
        SepPruneThreshold(0.7).choose(task_for(structure))
