"""Sizes from attributes reach the dimension that they state, also where other numbers have the same value."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sepprune.pruning import Floor, prune
from sepprune.pruning.graph.flow import matched_sizes
from sepprune.pruning.graph.sizes import Size
from tests.pruning.small_separators import shake


class Reshapes(nn.Module):
    """Splits frames from the batch by sizes, of which ``width`` is the number of channels."""

    def __init__(self, split: Callable[[Reshapes, Tensor], Tensor]) -> None:
        super().__init__()
        self.width, self.frames, self.split = 8, 8, split
        self.first, self.middle, self.last = nn.Conv1d(1, 8, 3, padding=1), nn.Linear(8, 8), nn.Conv1d(8, 2, 1)

    def forward(self, mixture: Tensor) -> Tensor:
        rows = self.middle(self.first(mixture).mT.reshape(-1, self.width))
        return self.last(self.split(self, rows).mT)


SPLITS: dict[str, Callable[[Reshapes, Tensor], Tensor]] = {
    "a number before the size": lambda module, rows: rows.view(8, 8, module.width),
    "the batch of the mixture": lambda module, rows: rows.view(rows.shape[0] // 8, 8, module.width),
    "another attribute": lambda module, rows: rows.view(-1, module.frames, module.width),
    "an open size": lambda module, rows: rows.view(-1, 8, module.width),
    "unflatten": lambda module, rows: rows.unflatten(0, (8, module.frames)).unflatten(-1, (module.width, 1)).squeeze(3),
}


@pytest.mark.parametrize("name", SPLITS)
def test_equal_sizes_are_told_apart(name: str) -> None:
    torch.manual_seed(0)
    module = shake(Reshapes(SPLITS[name]))
    result = prune(module, torch.randn(8, 1, 8), macs=0.5, method="l2", floor=Floor(2))
    assert result.model.width == result.report["groups"][0]["kept"] < 8
    assert result.model.frames == 8


def test_a_size_takes_its_slot_after_plain_numbers_of_the_same_value() -> None:
    width = Size(8, (("", "width", ()),), lambda sizes: sizes.get(("", "width", ()), 8))
    first, second = torch.arange(8).numpy(), torch.arange(8, 16).numpy()
    assert matched_sizes([8, width], [(8, first), (8, second)]) == [(width, second)]
    assert matched_sizes([-1, width, 2], [(8, first), (2, second)]) == [(width, first)]
    assert matched_sizes([width], [(4, first), (8, second)]) == [(width, second)]
