"""Surgery: attributes that state sizes follow the cut, and a pruned model that differs is refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sepprune.pruning.objective import freeze
from sepprune.pruning.structure import Structure, discover
from sepprune.pruning.surgery import SurgeryError, agrees, cut, difference

MIXTURE = torch.randn(2, 4, 10, generator=torch.Generator().manual_seed(0))


class Heads(nn.Module):
    """Attributes that state sizes: plain, in a tuple, and calculated from two attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.heads, self.width, self.sizes = 2, 3, (2, 3)
        self.first, self.last = nn.Conv1d(4, 6, 1), nn.Conv1d(6, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x).view(2, *self.sizes, 10).flatten(1, 2)
        return self.last(hidden.reshape(2, self.heads * self.width, 10))


def structure() -> Structure:
    torch.manual_seed(0)
    return discover(freeze(Heads()), [(MIXTURE,)])


def test_attributes_that_state_sizes_follow_the_cut() -> None:
    found = structure()
    kept = np.array([True, False, True])
    pruned = cut(found, kept)
    assert (pruned.heads, pruned.width, pruned.sizes) == (2, 2, (2, 2))
    assert (pruned.first.out_channels, pruned.last.in_channels) == (4, 4)
    assert difference(found, pruned, kept)[1] < 1e-5 and agrees(found, kept)


def test_a_model_of_another_shape_is_refused() -> None:
    found = structure()
    with pytest.raises(SurgeryError, match=r"has shape \(2, 5, 10\), expected \(2, 4, 10\)"):
        difference(found, nn.Conv1d(4, 5, 1), np.ones(3, dtype=bool))


def test_a_model_that_does_not_run_is_refused() -> None:
    found = structure()
    with pytest.raises(SurgeryError, match="does not run"):
        difference(found, nn.Conv1d(7, 4, 1), np.ones(3, dtype=bool))


def test_outputs_that_are_not_numbers_are_refused() -> None:
    found = structure()
    broken = copy.deepcopy(found.module)
    with torch.no_grad():
        broken.last.bias[0] = float("nan")
    with pytest.raises(SurgeryError, match="not a number"):
        difference(found, broken, np.ones(3, dtype=bool))
