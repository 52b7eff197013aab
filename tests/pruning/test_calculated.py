"""Layers whose weights are calculated from other parameters are pruned as any layer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from sepprune.pruning import Floor, PruningPlan, prune
from sepprune.pruning.calculated import copied
from tests.pruning.small_separators import shake

MIXTURE = torch.randn(3, 1, 20, generator=torch.Generator().manual_seed(0))


class CausalMask(nn.Conv1d):
    """Multiplies its weight by a mask that is a plain attribute, as SuDoRM-RF's causal variant does."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)
        self.mask = torch.ones_like(self.weight)
        self.mask[..., -1:] = 0

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.weight * self.mask.to(self.weight.device), self.bias, padding=self.padding)


class Standardised(nn.Conv1d):
    """Weight standardisation; it looks up the number of weights of one output."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)
        self.gain = nn.Parameter(torch.ones(outputs, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(self.weight, (1, 2), keepdim=True, correction=0)
        scale = self.gain / (variance * self.weight[0].numel() + 1e-4).sqrt()
        return F.conv1d(x, (self.weight - mean) * scale, self.bias, padding=self.padding)


class Flattened(nn.Conv1d):
    """Weight standardisation on rows of flattened weights."""

    def forward(self, x: Tensor) -> Tensor:
        rows = self.weight.view(self.weight.shape[0], -1)
        rows = (rows - rows.mean(1, keepdim=True)) / (rows.std(1, keepdim=True) + 1e-5)
        return F.conv1d(x, rows.view_as(self.weight), self.bias, padding=self.padding)


def conv(inputs: int, outputs: int) -> nn.Conv1d:
    return nn.Conv1d(inputs, outputs, 3, padding=1)


def old_weight_norm(inputs: int, outputs: int) -> nn.Module:
    with pytest.warns(FutureWarning, match="weight_norm"):
        return nn.utils.weight_norm(conv(inputs, outputs))


KINDS: dict[str, Callable[[int, int], nn.Module]] = {
    "mask": CausalMask,
    "weight norm": lambda inputs, outputs: parametrizations.weight_norm(conv(inputs, outputs)),
    "weight norm over inputs": lambda inputs, outputs: parametrizations.weight_norm(conv(inputs, outputs), dim=1),
    "weight norm by hooks": old_weight_norm,
    "spectral norm": lambda inputs, outputs: parametrizations.spectral_norm(conv(inputs, outputs)),
    "spectral norm by hooks": lambda inputs, outputs: nn.utils.spectral_norm(conv(inputs, outputs)),
    "weight standardisation": Standardised,
    "weight standardisation of rows": lambda inputs, outputs: Flattened(inputs, outputs, 3, padding=1),
}


def model(kind: str) -> nn.Module:
    torch.manual_seed(0)
    make = KINDS[kind]
    return shake(nn.Sequential(make(1, 8), nn.ReLU(), make(8, 12), nn.PReLU(), make(12, 2)))


@pytest.mark.parametrize("kind", KINDS)
def test_channels_of_calculated_weights_are_pruned(kind: str) -> None:
    dense = model(kind)
    result = prune(dense, MIXTURE, macs=0.5, method="random", floor=Floor(2))
    assert [group["id"] for group in result.report["groups"]] == ["0", "2"]
    assert all(group["kept"] < group["channels"] for group in result.report["groups"])
    assert "2" not in {item["layer"] for item in result.report["blocked"]}
    assert result.report["without_channels"] == ["3"]
    first = result.model[0]
    assert first.out_channels == first.weight.shape[0] == result.report["groups"][0]["kept"]


@pytest.mark.parametrize("kind", ["weight norm", "weight norm by hooks"])
def test_a_plan_prunes_another_module_with_calculated_weights(kind: str) -> None:
    dense = model(kind)
    result = prune(dense, MIXTURE, macs=0.5, method="l2", floor=Floor(2))
    again = PruningPlan.from_json(result.plan.to_json()).apply(model(kind)).eval()
    assert torch.allclose(again(MIXTURE), result.model.eval()(MIXTURE), atol=1e-6)


def test_a_copy_of_a_module_that_was_called_with_gradients_computes_the_same() -> None:
    dense = model("weight norm by hooks")
    expected = dense(MIXTURE)
    assert torch.equal(copied(dense)(MIXTURE), expected)
