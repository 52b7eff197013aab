"""Costs: equal to counts by hand, by module and by group, and to the counts of ptflops."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sepprune.errors import UserError
from sepprune.models import rate_of
from sepprune.pruning import analyze, prune
from sepprune.pruning.cost import macs_cost
from sepprune.pruning.objective import freeze
from sepprune.pruning.structure import discover
from sepprune.separators import build_separator
from tests.pruning.small_separators import MIXTURE, build

SECOND = torch.randn(1, 4, 100)


def macs(module: nn.Module, example: torch.Tensor = SECOND, **options: bool) -> float:
    analysis = analyze(module, example, sample_rate=example.shape[-1], **options)
    return analysis.macs_per_second


def ptflops(module: nn.Module, example: torch.Tensor = SECOND) -> float:
    return analyze(module, example, sample_rate=example.shape[-1]).macs_per_second_ptflops


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Conv1d(4, 6, 3, padding=1), 4 * 6 * 3 * 100),
        (nn.Conv1d(4, 8, 5, stride=2, padding=2, groups=2), 4 * 8 * 5 * 50 // 2),
        (nn.Conv1d(4, 4, 3, padding=1, groups=4), 4 * 3 * 100),
        (nn.ConvTranspose1d(4, 6, 4, stride=2), 4 * 6 * 4 * 100),
        (nn.Linear(100, 7), 4 * 100 * 7),
        (nn.LSTM(100, 5), 4 * 4 * 5 * (100 + 5)),
        (nn.GRU(100, 5, bidirectional=True), 2 * 4 * 3 * 5 * (100 + 5)),
        (nn.MultiheadAttention(100, 4), None),
    ],
)
def test_multiply_adds_are_those_of_products(module: nn.Module, expected: int | None) -> None:
    if isinstance(module, (nn.LSTM, nn.GRU)):
        module = _First(module)
    if expected is None:
        module, expected = _Self(module), 4 * 4 * 100 * 100 + 2 * 4 * 4 * 100
    assert macs(module) == expected


class _First(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)[0]


class _Self(_First):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x[0], x[0], x[0])[0]


class _Resized(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.interpolate(x, size=200)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Conv1d(4, 6, 1), 4 * 6 * 100 + 6 * 100),
        (nn.Linear(100, 7), 4 * 100 * 7),
        (nn.ConvTranspose1d(4, 6, 4, stride=4, bias=False), 4 * 6 * 4 * 400),
        (nn.BatchNorm1d(4), 2 * 4 * 100),
        (nn.GroupNorm(2, 4), 2 * 4 * 100),
        (nn.GroupNorm(1, 4), 0),
        (nn.PReLU(), 2 * 4 * 100),
        (nn.LeakyReLU(), 4 * 100),
        (nn.AvgPool1d(2), 2 * 4 * 100),
        (nn.Upsample(scale_factor=2), 2 * 4 * 200),
        (_Resized(), 200),
    ],
)
def test_ptflops_counts_elements_and_counts_modules_that_call_functions_twice(module: nn.Module, expected: int) -> None:
    assert ptflops(module) == expected


@pytest.mark.parametrize(("name", "published"), [("afrcnn-12", 28.58), ("tdanet", 4.77)])
def test_totals_counted_as_ptflops_does_equal_the_published_ones(name: str, published: float) -> None:
    structure = discover(freeze(build_separator(name)), [(torch.zeros(1, 16_000),)])
    assert float(macs_cost(structure, 1.0, like_ptflops=True).total(structure.sizes)) / 1e9 == pytest.approx(
        published, abs=0.006
    )


def test_modules_add_up_to_the_total() -> None:
    analysis = analyze(build("dual path"), MIXTURE)
    assert sum(module["macs_per_second"] for module in analysis.modules) == pytest.approx(analysis.macs_per_second)
    assert sum(module["share"] for module in analysis.modules) == pytest.approx(1)
    assert sum(module["params"] for module in analysis.modules) == analysis.params


def test_segment_upkeep_is_counted_at_its_true_rate() -> None:
    separator = build_separator("skim", features=8, hidden=8, blocks=2, memory=4, segment=10)
    by_layer = {module["name"]: module["macs_per_second"] for module in analyze(separator).modules}
    segments_per_second = 16_000 / 128 / 10
    assert by_layer["memories.0.hidden_lstm"] == pytest.approx(4 * 4 * (8 + 4) * segments_per_second)


def test_the_cost_of_a_group_is_the_cost_that_it_takes_away() -> None:
    module = nn.Sequential(nn.Conv1d(4, 6, 1, bias=False), nn.ReLU(), nn.Conv1d(6, 5, 1, bias=False))
    (group,) = analyze(module, SECOND, sample_rate=100).groups
    assert group == {
        "id": "0",
        "channels": 6,
        "unit": 1,
        "macs_per_second": 6 * (4 + 5) * 100,
        "params": 6 * (4 + 5),
        "layers": ["0", "2"],
        "alike": "0",
    }


def test_the_length_of_an_example_that_does_not_end_with_time_can_be_given() -> None:
    model = nn.Sequential(nn.Linear(5, 8), nn.Linear(8, 5))
    spectrogram = torch.rand(1, 100, 5)  # (batch, frames, bins)
    assert analyze(model, spectrogram, seconds=2.0).macs_per_second == 100 * 80 / 2
    with pytest.raises(UserError, match="above 0"):
        analyze(model, spectrogram, seconds=0.0)


def test_a_separator_that_names_its_rate_is_counted_at_it() -> None:
    separator = build_separator("tasnet-tcn", blocks=2, repeats=1, sample_rate=8000)
    known = analyze(separator, sample_rate=8000).macs_per_second
    assert analyze(separator).macs_per_second == known
    assert prune(separator, macs=0.5, method="l2").report["macs_before"] == known
    assert rate_of(_Narrowband(4, 6, 3), None) == 8000
    assert analyze(_Narrowband(4, 6, 3, padding=1), SECOND).macs_per_second == 4 * 6 * 3 * 8000


class _Narrowband(nn.Conv1d):
    sample_rate = 8000.0  # as another library names it
