"""How far a separator looks ahead is measured, and the layers that look ahead are named."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sepprune.separators import build_separator
from sepprune.separators.causality import LookAhead, look_ahead

RATE = 8000
SMALL = {
    "skim": {"features": 12, "hidden": 16, "blocks": 2, "segment": 10, "memory": 5},
    "conv-tasnet": {"bottleneck": 12, "hidden": 16, "blocks": 3},
    "tasnet-tcn": {"basis": 20, "bottleneck": 12, "hidden": 16, "blocks": 3, "repeats": 2, "norm": "cumulative"},
    "tasnet-skim": {"basis": 20, "hidden": 16, "blocks": 2, "segment": 10},
}


def sound(samples: int = RATE) -> Tensor:
    return 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(0))


class Framed(nn.Module):
    """Filters of 16 samples, 8 apart, around a network on frames ``(batch, 12, frames)``."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.encoder, self.network = nn.Conv1d(1, 12, 16, 8), network
        self.decoder = nn.ConvTranspose1d(12, 2, 16, 8)

    def forward(self, mixture: Tensor) -> Tensor:
        return self.decoder(self.network(self.encoder(mixture[:, None])))


class Recurrent(nn.Module):
    def __init__(self, bidirectional: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(12, 6 if bidirectional else 12, batch_first=True, bidirectional=bidirectional)

    def forward(self, frames: Tensor) -> Tensor:
        return self.lstm(frames.transpose(1, 2))[0].transpose(1, 2)


def measured(network: nn.Module) -> LookAhead:
    return look_ahead(Framed(network), sound(), RATE)


@pytest.mark.parametrize("family", SMALL)
def test_a_causal_family_looks_ahead_to_the_end_of_its_window(family: str) -> None:
    torch.manual_seed(0)
    separator = build_separator(family, **SMALL[family])
    found = look_ahead(separator, sound(100 * separator.hop), separator.sample_rate)
    assert found.limited
    assert separator.window - 2 <= found.samples <= separator.window - 1  # a synthesis window may start with nothing
    assert found.layers == ()


def test_filters_look_ahead_to_their_last_sample() -> None:
    found = measured(nn.Identity())
    assert (found.samples, found.ms, found.limited) == (15, 15 / RATE * 1000, True)


def test_a_convolution_that_reaches_into_the_future_is_named_with_its_reach() -> None:
    found = measured(nn.Conv1d(12, 12, 9, padding=4))
    assert (found.samples, found.limited) == (4 * 8 + 15, True)
    [layer] = found.layers
    assert (layer.name, layer.kind) == ("network", "Conv1d")
    assert layer.ms == pytest.approx(4.0, rel=0.01)


def test_a_convolution_over_the_past_is_not_named() -> None:
    found = measured(nn.Sequential(nn.ConstantPad1d((8, 0), 0.0), nn.Conv1d(12, 12, 9)))
    assert (found.samples, found.layers) == (15, ())


@pytest.mark.parametrize(
    ("network", "name", "kind"),
    [
        (nn.GroupNorm(1, 12), "network", "GroupNorm"),
        (nn.Sequential(nn.Conv1d(12, 12, 3, padding=1), nn.InstanceNorm1d(12)), "network.1", "InstanceNorm1d"),
        (Recurrent(bidirectional=True), "network.lstm", "LSTM"),
    ],
)
def test_what_needs_the_whole_recording_is_named_first(network: nn.Module, name: str, kind: str) -> None:
    found = measured(network)
    assert (found.layers[0].name, found.layers[0].kind) == (name, kind)
    assert found.layers[0].ms is None
    assert not found.limited
    assert found.ms > 10  # what an LSTM heard long ago is below the resolution of single precision


def test_an_lstm_that_runs_forwards_is_causal() -> None:
    found = measured(Recurrent(bidirectional=False))
    assert (found.samples, found.layers) == (15, ())


def test_an_output_without_the_time_of_the_input_is_refused() -> None:
    with pytest.raises(ValueError, match="does not have the samples of its input"):
        look_ahead(nn.Linear(RATE, 10), sound(), RATE)
