"""Building a level as a torch module, after its sizes were compared with its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..checked import Table
from .weights import Array

if TYPE_CHECKING:
    from torch import nn

    from ..pruning import PruningPlan
    from ..separators.base import CausalSeparator

#: of a separator, as JSON has them: numbers, lists of numbers and names, which the family's class checks
Settings = Mapping[str, Any]

#: parameters before pruning, and numbers of a state: far more than a processor can stream
LARGEST_MODEL, LARGEST_STATE = 64_000_000, 16_000_000
#: lowest and highest value of a setting; settings that count layers or taps have a lower bound
_RANGE, _COUNTS = (
    (-1_000, 1_000_000),
    {"blocks": 512, "repeats": 512, "dilations": 24, "kernel": 256, "sources": 16, "segment": 1_000_000},
)
#: settings that are names, and their characters
_NAMES = frozenset("encoder_activation mask_activation score_activation norm first_norm carries".split())
_LONGEST_NAME = 32
#: settings that are numbers from 0 to 1
_FRACTIONS = ("epsilon", "dropout")


def checked_settings(settings: Table) -> dict[str, Any]:
    """The settings of a separator: numbers within bounds, lists of whole ones, and names.

    Raises:
        UserError: another type or size.
    """
    result: dict[str, Any] = {}
    for name, value in settings.data.items():
        if isinstance(value, list):
            result[name] = list(settings.integers(name, *_RANGE, most=_COUNTS["blocks"]))
        elif name in _NAMES:
            result[name] = settings.text(name, _LONGEST_NAME)
        elif name in _FRACTIONS:
            result[name] = settings.number(name, 0, 1)
        else:
            low = 1 if name in _COUNTS else _RANGE[0]
            result[name] = settings.integer(name, low, _COUNTS.get(name, _RANGE[1]))
    return result


def build_level(
    model: str, settings: Settings, plan: PruningPlan | None, weights: Mapping[str, Array]
) -> CausalSeparator:
    """A separator in evaluation mode: fresh, pruned by its plan, weights loaded strictly.

    It is built without memory first, and its sizes are compared with those of the weights. So settings of a damaged or
    hostile ladder cannot fill the memory.

    Args:
        model, settings: as :func:`sepprune.separators.build_separator` takes them.
        plan: ``None`` where nothing is pruned.
        weights: after pruning, as :func:`~.weights.single_precision` gives them.

    Raises:
        ValueError, TypeError, KeyError, RuntimeError: they do not fit each other, as torch reports it.
    """
    import torch

    from ..separators import build_separator

    with torch.device("meta"):
        _check_sizes(_pruned(_checked_dense(build_separator(model, **settings)), plan), weights)
    module = _pruned(build_separator(model, **settings), plan)
    module.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()}, strict=True)
    return _causal(module).eval()


def _pruned(module: nn.Module, plan: PruningPlan | None) -> nn.Module:
    return module if plan is None else plan.apply(module)


def _checked_dense(module: nn.Module) -> nn.Module:
    """A module whose parameters have no memory, refused if they would take too much."""
    numbers = sum(parameter.numel() for parameter in module.parameters())
    if numbers > LARGEST_MODEL:
        raise ValueError(f"its settings ask for {numbers / 1e6:.0f} million parameters, at most 64 million are read")
    return module


def _check_sizes(module: nn.Module, weights: Mapping[str, Array]) -> None:
    """Compare the sizes of a module without memory with those of its weights."""
    expected = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    if missing := sorted(expected.keys() - weights.keys()):
        raise ValueError(f"the weights lack {missing[0]}")
    if unknown := sorted(weights.keys() - expected.keys()):
        raise ValueError(f"it has no layer for {unknown[0]}")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise ValueError(f"{name} has the shape {weights[name].shape}, its settings ask for {shape}")
    numbers = sum(math.prod(part.shape) for part in _causal(module).initial_state())
    if numbers > LARGEST_STATE:
        raise ValueError(f"its state has {numbers / 1e6:.0f} million numbers, at most 16 million are read")


def _causal(module: nn.Module) -> CausalSeparator:
    from ..separators.base import CausalSeparator

    if not isinstance(module, CausalSeparator):
        raise ValueError(f"{type(module).__name__} is not causal, and a ladder is for live use")
    return module
