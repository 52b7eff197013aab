"""Trial cuts: numbers that follow the width are scaled, and groups that cannot be cut exactly are blocked."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from sepprune.pruning.objective import freeze
from sepprune.pruning.proof import prove
from sepprune.pruning.structure import Structure, discover
from sepprune.pruning.surgery import cut, difference
from sepprune.pruning.widths import follow_widths

MIXTURE = torch.randn(2, 1, 24, generator=torch.Generator().manual_seed(0))


class Mean(nn.Module):
    """Divides a sum over channels by their number, which the pruned module calculates again."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv1d(1, 8, 3, padding=1), nn.Conv1d(8, 2, 1)

    def forward(self, mixture: Tensor) -> Tensor:
        hidden = self.first(mixture)
        return self.last(hidden - hidden.sum(1, keepdim=True) / hidden.shape[1])


class Fixed(Mean):
    """Reshapes to a width that is written in the code, beside a layer that can be pruned."""

    def __init__(self) -> None:
        super().__init__()
        self.free = nn.Sequential(nn.Conv1d(2, 6, 1), nn.Conv1d(6, 2, 1))

    def forward(self, mixture: Tensor) -> Tensor:
        return self.free(self.last(self.first(mixture).view(2, 8, 24)))


def structure(module: nn.Module) -> Structure:
    torch.manual_seed(0)
    return discover(freeze(module), [(MIXTURE,)])


def test_a_number_that_follows_the_width_is_scaled_in_the_masked_model() -> None:
    proven = prove(structure(Mean()))
    kept = np.arange(8) < 3
    assert [group.id for group in proven.groups] == ["first"]
    assert difference(proven, cut(proven, kept), kept)[1] < 1e-5


def test_the_unproven_structure_is_not_changed() -> None:
    found = structure(Mean())
    before = dict(found.flows[0].sites)
    assert prove(found) is not found
    assert found.flows[0].sites == before


def test_a_module_without_such_numbers_has_none() -> None:
    found = structure(nn.Sequential(nn.Conv1d(1, 8, 1), nn.Conv1d(8, 2, 1)))
    kept = np.arange(8) < 3
    assert follow_widths(found, cut(found, kept), kept) is None


def test_a_group_that_cannot_be_cut_is_blocked_and_the_others_stay() -> None:
    proven = prove(structure(Fixed()))
    assert [group.id for group in proven.groups] == ["last", "free.0"]
    assert [reason.layer for reason in proven.blocked if reason.op == "surgery"] == ["first"]


def test_a_module_without_groups_needs_no_trial() -> None:
    found = structure(nn.Conv1d(1, 2, 1))
    assert prove(found) is found
