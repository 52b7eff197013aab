"""Recurrent layers on packed sequences are pruned like those on padded batches."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sepprune.errors import UserError
from sepprune.pruning import Floor, analyze, prune
from sepprune.pruning.graph.flow import operation
from sepprune.pruning.graph.trace import trace

FRAMES = torch.randn(3, 12, 6, generator=torch.Generator().manual_seed(0))


class Packed(nn.Module):
    """A recurrent layer between two linear ones, on frames of different numbers."""

    def __init__(
        self, kind: type[nn.RNNBase] = nn.LSTM, batch_first: bool = True, ordered: bool = False, **more: int
    ) -> None:
        super().__init__()
        self.batch_first, self.ordered = batch_first, ordered
        self.first = nn.Linear(6, 16)
        self.layer = kind(16, 12, batch_first=batch_first, **more)
        self.last = nn.Linear(24 if more.get("bidirectional") else 12, 4)

    def forward(self, frames: Tensor, lengths: Tensor | Sequence[int] = (12, 9, 4)) -> Tensor:
        hidden = self.first(frames)
        hidden = hidden if self.batch_first else hidden.transpose(0, 1)
        packed = pack_padded_sequence(hidden, lengths, batch_first=self.batch_first, enforce_sorted=self.ordered)
        hidden, found = pad_packed_sequence(self.layer(packed)[0], batch_first=self.batch_first, total_length=12)
        hidden = hidden if self.batch_first else hidden.transpose(0, 1)
        return self.last(hidden) / found[:, None, None]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("ordered", [True, False])
def test_the_layer_and_its_neighbours_are_pruned(kind: type[nn.RNNBase], batch_first: bool, ordered: bool) -> None:
    torch.manual_seed(0)
    dense = Packed(kind, batch_first, ordered, bidirectional=True, num_layers=2)
    result = prune(dense, FRAMES, params=0.5, method="l2", floor=Floor(2))
    assert {group["id"] for group in result.report["groups"]} == {"first", "layer"}
    assert result.model.layer.hidden_size < 12 and result.model.first.out_features < 16
    assert result.report["max_abs_difference"] < 1e-5


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_packed_layers_are_single_operations_that_run_as_the_layers(kind: type[nn.RNNBase]) -> None:
    module, lengths = Packed(kind).eval(), torch.tensor([4, 12, 9])
    found = trace(module, (FRAMES, lengths))
    names = [operation(node) for node in found.graph.graph.nodes if node.op == "call_function"]
    assert {"_pack_padded_sequence", "_pad_packed_sequence"} < set(names)
    assert torch.equal(found.graph(FRAMES, lengths), module(FRAMES, lengths))


def test_masks_are_learned_through_packed_sequences_of_any_lengths() -> None:
    torch.manual_seed(0)
    lengths = [torch.tensor([12, 9, 4]), torch.tensor([2, 12, 12])]
    data = [((FRAMES, item), torch.randn(3, 12, 4)) for item in lengths]
    result = prune(Packed(), (FRAMES, lengths[0]), params=0.6, data=data, steps=4, loss=nn.functional.mse_loss)
    assert result.model.layer.hidden_size < 12 or result.model.first.out_features < 16


class Guessed(Packed):
    """Lengths that are found in the sound itself."""

    def forward(self, frames: Tensor, lengths: Tensor | Sequence[int] = ()) -> Tensor:
        return super().forward(frames, (frames.abs().mean(2) > 0).sum(1))


def test_lengths_that_depend_on_the_sound_are_refused_with_the_line_and_the_way_out() -> None:
    with pytest.raises(UserError) as caught:
        analyze(Guessed(), FRAMES)
    message = str(caught.value)
    assert "pack_padded_sequence(hidden, lengths" in message and f"{__file__}:" in message
    assert "lengths of a packed sequence depend on values" in message
    assert "call the recurrent layer on the padded batch" in message
