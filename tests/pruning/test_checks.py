"""Modules that cannot be pruned, and exports that fail, are one sentence with a way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sepprune.errors import UserError
from sepprune.pruning import analyze

EXAMPLE = torch.rand(2, 4)


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        if x.mean() > 0:  # the line that the message names
            return self.layer(x)
        return x


class Converts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(torch.from_numpy(x.detach().numpy()))


class Asserts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        assert type(x) is Tensor, "a plain tensor is needed"
        return self.layer(x)


class AssertsValues(nn.Module):
    """Asserts that hold on the example, about values that a traced tensor does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        assert x.abs().max() < 10
        y = self.first(x)
        assert not torch.isnan(y).any(), "no number"
        assert float(y.abs().sum()) >= 0 and torch.allclose(y, y + 0) and x.shape[0] == y.shape[0]
        return self.last(y)


class Silent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> None:
        self.layer(x)


class NotANumber(Silent):
    def forward(self, x: Tensor) -> Tensor:
        return (self.layer(x).abs() + 1).neg().sqrt()


class Lengths(nn.Module):
    """Masks frames by lengths that it makes itself, as ESPnet does."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 2)
        self.strides = torch.tensor([[2, 1], [2, 1]])

    def forward(self, x: Tensor) -> Tensor:
        lengths = torch.full((x.shape[0],), x.shape[1], dtype=torch.long).tolist()
        strides = self.strides.prod(0)
        positions = torch.arange(max(lengths) // int(strides[0]) * 4).unsqueeze(0)
        mask = positions[:, : x.shape[1]] < positions.new_tensor(lengths).unsqueeze(1)
        return self.last(self.first(x)) * mask[:, :1]


def not_finite() -> nn.Module:
    layer = nn.Linear(4, 4)
    nn.init.constant_(layer.bias, float("nan"))
    return layer


MODULES: dict[str, tuple[Callable[[], Any], str]] = {
    "a name": (lambda: "skim", "'skim' is str, expected a torch.nn.Module"),
    "a scripted module": (
        lambda: nn.Sequential(torch.jit.script(nn.Linear(4, 4))),
        "give the module that was scripted",
    ),
    "a compiled module": (lambda: nn.Sequential(torch.compile(nn.Linear(4, 4))), "give the module that was compiled"),
    "a state dictionary": (lambda: nn.Linear(4, 4).state_dict(), "is OrderedDict, expected a torch.nn.Module"),
    "a module without outputs": (Silent, "the outputs of Silent have no tensor"),
    "a module whose outputs are no numbers": (NotANumber, "the outputs of NotANumber have values that are not a num"),
    "a lazy module": (lambda: nn.LazyLinear(4), "weight of LazyLinear is lazy"),
    "weights without values": (lambda: nn.Linear(4, 4, device="meta"), "weight of Linear is on the device meta"),
    "weights that are no numbers": (not_finite, "bias of Linear has values that are not finite"),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Lazy modules", "ignore:`torch.jit.script`")
@pytest.mark.parametrize("name", MODULES)
def test_a_module_that_cannot_be_pruned_is_refused(name: str) -> None:
    make, sentence = MODULES[name]
    with pytest.raises(UserError, match=sentence):
        analyze(make(), EXAMPLE)


@pytest.mark.parametrize(
    ("module", "line", "way_out"),
    [
        (Branches(), "if x.mean", "must not branch on values of tensors"),
        (Asserts(), "assert type(x) is Tensor", "or remove the assert"),
        (Converts(), "from_numpy", "must consist of tensor operations"),
    ],
)
def test_an_export_that_fails_names_the_line_and_a_way_out(module: nn.Module, line: str, way_out: str) -> None:
    with pytest.raises(UserError) as caught:
        analyze(module, EXAMPLE)
    message = str(caught.value)
    assert "test_checks.py:" in message and line in message and way_out in message


def test_asserts_that_hold_on_the_example_do_not_end_the_trace() -> None:
    assert [group["id"] for group in analyze(AssertsValues(), EXAMPLE).groups] == ["first"]


def test_lengths_that_follow_from_shapes_do_not_end_the_trace() -> None:
    assert [group["id"] for group in analyze(Lengths(), EXAMPLE).groups] == ["first"]


class Sizes(nn.Module):
    """Makes a tensor whose size is a number of a tensor, so that the graph compares numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.full((1,), x.shape[0])
        return self.last(self.first(x)) * torch.ones(rows[0], 1)


def test_numbers_that_the_graph_compares_have_no_channels() -> None:
    assert [group["id"] for group in analyze(Sizes(), EXAMPLE).groups] == ["first"]


def test_asserts_that_fail_on_the_example_are_told() -> None:
    with pytest.raises(UserError, match="AssertsValues does not run on an example of shape"):
        analyze(AssertsValues(), EXAMPLE + 100)
