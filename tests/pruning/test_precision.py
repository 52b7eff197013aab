"""Models in 16 and 64 bits are analysed and pruned; the pruned model has the type of the dense one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sepprune.errors import UserError
from sepprune.pruning import analyze, load_pruned, prune
from tests.pruning.small_separators import shake

MIXTURE = torch.randn(1, 1, 400, generator=torch.Generator().manual_seed(0))
REFERENCES = torch.randn(1, 2, 400, generator=torch.Generator().manual_seed(1))
TYPES = [torch.float16, torch.bfloat16, torch.float64]


class Small(nn.Module):
    """A small recurrent separator, with a table that is neither parameter nor buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.norm = nn.Conv1d(1, 16, 16, 8), nn.LayerNorm(16)
        self.network, self.mask = nn.LSTM(16, 12, batch_first=True), nn.Linear(12, 16)
        self.decoder = nn.ConvTranspose1d(16, 2, 16, 8)
        self.table = torch.rand(16)

    def forward(self, mixture: Tensor) -> Tensor:
        frames = self.encoder(mixture).transpose(1, 2)
        masks = self.mask(self.network(self.norm(frames) * self.table.to(frames.dtype))[0])
        return self.decoder((frames * masks.sigmoid()).transpose(1, 2))


def dense(dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    return shake(Small()).to(dtype).eval()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("method", ["l2", "taylor", "sepprune"])
def test_a_model_of_any_precision_is_pruned(dtype: torch.dtype, method: str) -> None:
    data = None if method == "l2" else [(MIXTURE.to(dtype), REFERENCES.to(dtype))]
    result = prune(dense(dtype), MIXTURE.to(dtype), macs=0.5, method=method, data=data, steps=3)
    assert {group["id"] for group in result.report["groups"]} == {"encoder", "network"}
    assert {parameter.dtype for parameter in result.model.parameters()} == {dtype}
    assert result.model(MIXTURE.to(dtype)).dtype == dtype
    assert result.report["max_relative_difference"] < 1e-5


@pytest.mark.parametrize("dtype", TYPES)
def test_the_groups_do_not_depend_on_the_precision(dtype: torch.dtype) -> None:
    assert analyze(dense(dtype), MIXTURE.to(dtype)).groups == analyze(dense(torch.float32), MIXTURE).groups


@pytest.mark.parametrize("dtype", TYPES)
def test_a_pruned_model_of_any_precision_is_saved_and_loaded(dtype: torch.dtype, tmp_path: Path) -> None:
    result = prune(dense(dtype), MIXTURE.to(dtype), macs=0.5, method="l2")
    result.save(tmp_path / "pruned")
    again = load_pruned(tmp_path / "pruned", dense(dtype))
    assert torch.equal(again(MIXTURE.to(dtype)), result.model(MIXTURE.to(dtype)))


class Converting(nn.Module):
    """Converts to 16 bits inside of forward."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv1d(1, 8, 3).half(), nn.Conv1d(8, 2, 1).half()

    def forward(self, mixture: Tensor) -> Tensor:
        return self.last(self.first(mixture.half())).float()


def test_a_forward_that_converts_to_16_bits_is_answered_with_what_to_do() -> None:
    with pytest.raises(UserError, match=r"Converting has numbers of 16 bits \(float16\).*give the module without"):
        analyze(Converting(), MIXTURE)
