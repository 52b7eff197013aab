"""Modules with several inputs and outputs: for analysis, for learning masks, and with states that shrink."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sepprune.errors import UserError
from sepprune.pruning import Floor, analyze, prune
from tests.pruning.small_separators import shake

MIXTURE = torch.randn(2, 1, 40, generator=torch.Generator().manual_seed(0))
CUE = torch.randn(2, 5, generator=torch.Generator().manual_seed(1))
REFERENCES = torch.randn(2, 2, 40, generator=torch.Generator().manual_seed(2))


class Cued(nn.Module):
    """Extracts what a cue describes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.cue, self.last = nn.Conv1d(1, 16, 3, padding=1), nn.Linear(5, 16), nn.Conv1d(16, 2, 1)

    def forward(self, mixture: Tensor, cue: Tensor) -> Tensor:
        return self.last(self.first(mixture) * self.cue(cue).unsqueeze(-1))


class Named(Cued):
    def forward(self, mixture: Tensor, *, cue: Tensor) -> Tensor:
        return super().forward(mixture, cue)


class Dictionary(Cued):
    def forward(self, inputs: dict[str, Any]) -> dict[str, Tensor]:
        result = super().forward(inputs["mixture"], inputs["cues"][0])
        return {"level": result.mean(), "sources": result}


class Stateful(nn.Module):
    """Returns sources and the states of its LSTM, and starts from zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv1d(1, 8, 3, padding=1), nn.Conv1d(16, 2, 1)
        self.layer = nn.LSTM(8, 16, batch_first=True)

    def forward(self, mixture: Tensor, states: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Any]:
        hidden, states = self.layer(self.first(mixture).mT, states)
        return self.last(hidden.mT), states


NAMES = {"mixture": MIXTURE, "cue": CUE}
INPUTS = {"mixture": MIXTURE, "cues": [CUE], "rate": 8000}

CALLS: dict[str, tuple[type[nn.Module], dict[str, Any], Any]] = {
    "two tensors": (Cued, {"example_input": (MIXTURE, CUE)}, (MIXTURE, CUE)),
    "a keyword": (Named, {"example_input": MIXTURE, "example_kwargs": {"cue": CUE}}, NAMES),
    "keywords alone": (Cued, {"example_kwargs": NAMES}, NAMES),
    "a mixture, and the example's cue": (Named, {"example_input": MIXTURE, "example_kwargs": {"cue": CUE}}, MIXTURE),
    "a dictionary": (Dictionary, {"example_input": INPUTS, "keep_outputs": "sources"}, INPUTS),
}


@pytest.mark.parametrize("name", CALLS)
def test_channels_are_found_and_cut(name: str) -> None:
    make, example, _ = CALLS[name]
    module = shake(make())
    assert analyze(module, **example).groups[0]["layers"] == ["first", "cue", "last"]
    result = prune(module, macs=0.5, method="l2", **example)
    assert result.report["groups"][0]["kept"] == 8


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("loss", [None, "teacher"])
def test_masks_are_learned(name: str, loss: str | None) -> None:
    make, example, inputs = CALLS[name]
    result = prune(shake(make()), macs=0.5, steps=2, loss=loss, data=[(inputs, REFERENCES)], **example)
    assert result.report["macs_after"] <= 0.5 * result.report["macs_before"]


def test_batches_of_another_shape_are_traced_again() -> None:
    longer = {"mixture": torch.randn(1, 1, 60), "cue": torch.randn(1, 5)}
    data = [(NAMES, REFERENCES), (longer, torch.randn(1, 2, 60))]
    result = prune(shake(Named()), MIXTURE, example_kwargs={"cue": CUE}, macs=0.5, steps=4, data=data)
    assert result.report["groups"][0]["kept"] == 8


def test_outputs_after_the_first_keep_their_shapes_unless_they_may_shrink() -> None:
    fixed = analyze(shake(Stateful()), MIXTURE)
    assert "layer" not in [group["id"] for group in fixed.groups]
    result = prune(shake(Stateful()), MIXTURE, keep_outputs=[0], macs=0.5, method="l2", floor=Floor(2))
    width = result.model.layer.hidden_size
    sources, states = result.model(MIXTURE)
    assert sources.shape == (2, 2, 40) and [state.shape for state in states] == [(1, 2, width)] * 2
    assert width < 16


def test_the_loss_compares_the_first_output_that_is_kept() -> None:
    def loss(estimate: Tensor, references: Tensor) -> Tensor:
        assert estimate.shape == references.shape
        return (estimate - references).square().mean()

    example = {"example_input": INPUTS, "keep_outputs": ["sources"]}
    prune(shake(Dictionary()), macs=0.5, steps=1, loss=loss, data=[(INPUTS, REFERENCES)], **example)


@pytest.mark.parametrize("keep", [[3], [], "sources"])
def test_outputs_that_do_not_exist_are_one_sentence(keep: Any) -> None:
    with pytest.raises(UserError, match=r"Stateful returns the outputs \[0, 1\]: name at least one"):
        analyze(Stateful(), MIXTURE, keep_outputs=keep)


def test_the_time_dimension_of_a_spectrogram_can_be_given() -> None:
    module, frames_then_bins = nn.Conv2d(2, 4, 1), torch.randn(1, 2, 50, 65)
    by_dimension = analyze(module, frames_then_bins, time_dim=2, sample_rate=125).macs_per_second
    assert by_dimension == analyze(module, frames_then_bins, seconds=0.4).macs_per_second
    with pytest.raises(UserError, match="time_dim is 4, but the first input has shape"):
        analyze(module, frames_then_bins, time_dim=4)


@pytest.mark.parametrize("example", ["mixture.wav", (None, 3)])
def test_an_example_without_tensors_is_one_sentence(example: Any) -> None:
    with pytest.raises(UserError, match="there is no tensor in the inputs"):
        analyze(Cued(), example)


@pytest.mark.parametrize(
    ("example", "sentence"),
    [(MIXTURE * float("nan"), "not a number"), (MIXTURE.to("meta"), "on the device meta and have no values")],
)
def test_an_example_without_usable_values_is_one_sentence(example: Tensor, sentence: str) -> None:
    with pytest.raises(UserError, match=f"the tensors of the example have .*{sentence}|{sentence}"):
        analyze(nn.Conv1d(1, 4, 1), example)


@pytest.mark.parametrize("shape", [(0, 1, 40), (1, 1, 0)])
def test_an_empty_example_is_one_sentence(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"the example has shape \(.*\), without values: give a longer one"):
        analyze(nn.Conv1d(1, 4, 1), torch.zeros(shape))
