"""Recurrent layers and cells: every hidden unit can be cut exactly, however the output is used."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sepprune.pruning import Floor, prune
from tests.pruning.small_separators import shake

MIXTURE = torch.randn(5, 1, 12, generator=torch.Generator().manual_seed(0))


class Rows(nn.Module):
    """A recurrent layer on ``(batch, time, channels)`` whose output is projected as rows, as in dual-path blocks."""

    def __init__(self, layer: nn.RNNBase, width: int) -> None:
        super().__init__()
        self.first, self.layer = nn.Conv1d(1, 8, 3, padding=1), layer
        self.projection, self.last = nn.Linear(width, 8), nn.Conv1d(8, 2, 1)

    def forward(self, mixture: Tensor) -> Tensor:
        x = self.first(mixture).transpose(1, 2)
        output = self.layer(x)[0]
        rows = self.projection(output.contiguous().view(-1, output.shape[2]))
        return self.last((x + rows.view(x.shape)).transpose(1, 2))


class Steps(nn.Module):
    """A cell that runs step by step."""

    def __init__(self, cell: nn.RNNCellBase) -> None:
        super().__init__()
        self.first, self.cell, self.last = nn.Conv1d(1, 8, 3, padding=1), cell, nn.Linear(6, 2)

    def forward(self, mixture: Tensor) -> Tensor:
        x, state, outputs = self.first(mixture), None, []
        for step in range(x.shape[-1]):
            state = self.cell(x[..., step], state)
            outputs.append(self.last(state[0] if isinstance(state, tuple) else state))
        return torch.stack(outputs, -1)


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "LSTM": lambda: Rows(nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True), 12),
    "GRU": lambda: Rows(nn.GRU(8, 6, batch_first=True, bidirectional=True), 12),
    "RNN": lambda: Rows(nn.RNN(8, 6, batch_first=True), 6),
    "LSTM with projections": lambda: Rows(nn.LSTM(8, 6, 2, batch_first=True, proj_size=4), 4),
    "LSTM with projections, without biases": lambda: Rows(
        nn.LSTM(8, 6, bias=False, batch_first=True, bidirectional=True, proj_size=4), 8
    ),
    "LSTM cell": lambda: Steps(nn.LSTMCell(8, 6)),
    "GRU cell": lambda: Steps(nn.GRUCell(8, 6, bias=False)),
    "RNN cell": lambda: Steps(nn.RNNCell(8, 6, nonlinearity="relu")),
}


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", LAYERS)
def test_hidden_units_and_inputs_are_pruned(name: str) -> None:
    torch.manual_seed(0)
    result = prune(shake(LAYERS[name]()), MIXTURE, macs=0.5, method="random", floor=Floor(2))
    recurrent = "cell" if "cell" in name else "layer"
    groups = {group["id"]: group["kept"] < group["channels"] for group in result.report["groups"]}
    assert groups["first"] and groups[recurrent]
    assert [item for item in result.report["blocked"] if item["layer"] != "last"] == []


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_projected_units_are_a_group_of_their_own() -> None:
    torch.manual_seed(0)
    model = shake(LAYERS["LSTM with projections"]())
    result = prune(model, MIXTURE, params=0.5, method="l2", floor=Floor(2))
    layer = result.model.layer
    assert layer.hidden_size == layer.weight_hr_l0.shape[1] < 6
    assert layer.proj_size == layer.weight_hr_l0.shape[0] < 4
