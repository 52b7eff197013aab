"""Every layer with parameters is in a group, blocked with a reason, or without channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from sepprune.pruning import Analysis, Floor, analyze, prepare, prune
from sepprune.pruning.cost import analysis_of
from tests.pruning.random_networks import STEPS, Network
from tests.pruning.small_separators import MIXTURE, SEPARATORS, build

ROWS = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))


class Odd(nn.Module):
    """Layers that cannot be pruned, each for another reason, beside one that can."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 6), nn.Linear(6, 2)
        self.orthogonal = parametrizations.orthogonal(nn.Linear(6, 6))
        self.unused = nn.Linear(4, 4)
        self.slope = nn.PReLU()
        self.single = nn.Linear(2, 1)
        self.spread = nn.Linear(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.last(self.orthogonal(self.slope(self.first(x))))
        return self.spread(self.single(y))


class Fixed(nn.Module):
    """Reshapes to a width that is written in the code, which only a trial cut shows."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4, 6), nn.LayerNorm(6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.norm(self.first(x)).view(3, 6))


def silent(module: nn.Module, analysis: Analysis) -> list[str]:
    """Layers with parameters that the analysis does not mention."""
    owners = {name for name, part in module.named_modules() if list(part.parameters(recurse=False))}
    owners = {name.partition(".parametrizations")[0] for name in owners}
    named = {layer for group in analysis.groups for layer in group["layers"]}
    return sorted(owners - named - {reason.layer for reason in analysis.blocked} - set(analysis.without_channels))


def reasons(analysis: Analysis, layer: str) -> str:
    return "; ".join(f"{reason.op}: {reason.why}" for reason in analysis.blocked if reason.layer == layer)


@pytest.mark.parametrize(
    ("make", "example"),
    [(Odd, ROWS), (Fixed, ROWS), *((lambda name=name: build(name), MIXTURE) for name in SEPARATORS)],
)
def test_no_layer_is_left_out_silently(make: Callable[[], nn.Module], example: Tensor) -> None:
    module = make()
    assert silent(module, analyze(module, example)) == []


@given(steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=4))
@settings(max_examples=12)
def test_networks_of_any_layers_are_accounted_for_and_cut_exactly(steps: Sequence[str]) -> None:
    torch.manual_seed(0)
    module, example = Network(steps), torch.randn(2, 1, 12)
    prepared = prepare(module, example)
    assert silent(module, analysis_of(prepared.structure, 1.0)) == []
    if prepared.structure.groups:
        prune(prepared, params=0.999, method="random", floor=Floor(1, 0.0))  # raises where the cut is not exact


def test_reasons_name_what_keeps_a_layer_from_being_pruned() -> None:
    analysis = analyze(Odd(), ROWS)
    assert "(orthogonal" in reasons(analysis, "orthogonal")
    assert reasons(analysis, "unused") == "unused: forward does not use its parameters on this example"
    assert analysis.without_channels == ("slope",)


def test_every_layer_of_a_group_that_failed_its_trial_is_named() -> None:
    analysis = analyze(Fixed(), ROWS)
    assert "its channels are those of first" in reasons(analysis, "norm")


@pytest.mark.parametrize(("include", "exclude"), [(["first"], []), ([], ["norm"])])
def test_layers_that_the_caller_leaves_out_say_so(include: Sequence[str], exclude: Sequence[str]) -> None:
    module = nn.Sequential()
    module.add_module("first", nn.Linear(4, 6))
    module.add_module("middle", nn.Linear(6, 6))
    module.add_module("norm", nn.LayerNorm(6))
    module.add_module("last", nn.Linear(6, 2))
    analysis = analyze(module, ROWS, include=include, exclude=exclude)
    assert "include or exclude" in reasons(analysis, "norm")
