"""Trial cuts: numbers that follow the width are scaled, and groups that cannot be cut exactly are blocked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sepprune.pruning import proof
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


class Affine(nn.Module):
    """A residual block with a number that changes with the width, but not as one of its powers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv1d(4, 8, 1), nn.Conv1d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        return x + self.last(torch.relu(hidden) * (8 + hidden.shape[1]))


class Stack(nn.Module):
    """Repeated blocks, each beside a layer that can be pruned."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Conv1d(1, 4, 3, padding=1), nn.Conv1d(4, 2, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(Affine(), nn.Conv1d(4, 8, 1), nn.Conv1d(8, 4, 1)) for _ in range(blocks)
        )

    def forward(self, mixture: Tensor) -> Tensor:
        x = self.encoder(mixture)
        for block in self.blocks:
            x = block(x)
        return self.decoder(x)


def exports_of(monkeypatch: pytest.MonkeyPatch, blocks: int) -> int:
    """How many cut modules the proof of a stack exports."""
    found, calls = structure(Stack(blocks)), []
    with monkeypatch.context() as patch:
        patch.setattr(proof, "follow_widths", lambda *args: calls.append(1) or follow_widths(*args))
        prove(found)
    return len(calls)


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


def test_the_number_of_exports_does_not_grow_with_the_number_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < exports_of(monkeypatch, 6) <= exports_of(monkeypatch, 2) <= 4


def test_a_number_that_follows_no_power_of_the_width_blocks_its_own_group_alone() -> None:
    proven = prove(structure(Stack(6)))
    failed = {reason.layer for reason in proven.blocked if reason.op == "surgery"}
    assert failed == {f"blocks.{index}.0.first" for index in range(6)}
