"""Groups are named by what produces their channels: a layer, or a parameter that forward uses by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from sepprune.pruning import Analysis, analyze, prune

MIXTURE = torch.randn(2, 1, 64, generator=torch.Generator().manual_seed(0))


class Bare(nn.Module):
    """Convolutions whose weights are parameters of the model itself."""

    def __init__(self) -> None:
        super().__init__()
        self.analysis, self.mix = nn.Parameter(torch.randn(16, 1, 8)), nn.Parameter(torch.randn(12, 16, 1))
        self.gain, self.synthesis = nn.Parameter(torch.rand(12, 1)), nn.Parameter(torch.randn(12, 2, 8))

    def forward(self, mixture: Tensor) -> Tensor:
        frames = nn.functional.conv1d(mixture, self.analysis, stride=4)
        frames = nn.functional.conv1d(frames.relu(), self.mix) * self.gain
        return nn.functional.conv_transpose1d(frames, self.synthesis, stride=4)


class Backwards(nn.Module):
    """Layers in the opposite order of their use, so that readers come before what they read."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.count = len(layers)
        for index in reversed(range(self.count)):
            self.add_module(f"step{index}", layers[index])

    def forward(self, mixture: Tensor) -> Tensor:
        for index in range(self.count):
            mixture = self.get_submodule(f"step{index}")(mixture)
        return mixture


class Table(nn.Module):
    """Channels that come from a table, and a norm and a convolution that only read them."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.norm = nn.Conv1d(12, 2, 1), nn.GroupNorm(1, 12)
        self.table = nn.Parameter(torch.randn(12, 1))

    def forward(self, mixture: Tensor) -> Tensor:
        return self.last(self.norm(mixture * self.table))


def names(analysis: Analysis) -> list[str]:
    return [group["id"] for group in analysis.groups]


def test_parameters_of_the_model_itself_have_their_own_names() -> None:
    analysis = analyze(Bare(), MIXTURE)
    assert names(analysis) == ["analysis", "mix"]
    assert analysis.groups[1]["layers"] == ["mix", "gain", "synthesis"]
    assert [reason.layer for reason in analysis.blocked] == ["synthesis"]


def test_parameters_of_the_model_itself_can_be_chosen_by_name() -> None:
    result = prune(Bare(), MIXTURE, channels={"mix": 0.5}, method="l2")
    assert result.model.mix.shape == (6, 16, 1)
    assert names(analyze(Bare(), MIXTURE, include="analysis")) == ["analysis"]


def test_a_calculated_parameter_of_the_model_itself_has_the_name_of_the_result() -> None:
    model = parametrizations.weight_norm(Bare(), "mix")
    assert names(analyze(model, MIXTURE)) == ["analysis", "mix"]


READERS: dict[str, tuple[Callable[[], nn.Module], list[str]]] = {
    "a depthwise convolution after a transposed one": (
        lambda: Backwards(nn.ConvTranspose1d(1, 12, 1), nn.Conv1d(12, 12, 3, groups=12), nn.Conv1d(12, 2, 1)),
        ["step0"],
    ),
    "transposed convolutions": (lambda: Backwards(nn.Conv1d(1, 12, 1), nn.ConvTranspose1d(12, 2, 1)), ["step0"]),
    "whole groups": (
        lambda: Backwards(nn.Conv1d(1, 32, 1), nn.Conv1d(32, 32, 3, groups=16), nn.Conv1d(32, 2, 1)),
        ["step0"],
    ),
    "a table": (Table, ["table"]),
}


@pytest.mark.parametrize("name", READERS)
def test_layers_that_only_read_channels_do_not_name_them(name: str) -> None:
    torch.manual_seed(0)
    make, expected = READERS[name]
    assert names(analyze(make(), MIXTURE)) == expected
