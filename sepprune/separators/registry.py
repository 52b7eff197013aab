"""Separators by name, and their settings as plain data."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from .afrcnn import AFRCNN
from .conv_tasnet import ConvTasNet
from .skim import SkiM
from .sudormrf import SuDoRMRF
from .tasnet_skim import TasnetSkiM
from .tasnet_tcn import TasnetTCN
from .tdanet import TDANet

#: class of every name, and what the name settles
_FAMILIES: dict[str, tuple[type[nn.Module], dict[str, Any]]] = {
    "conv-tasnet": (ConvTasNet, {}),
    "skim": (SkiM, {}),
    "tasnet-tcn": (TasnetTCN, {}),
    "tasnet-skim": (TasnetSkiM, {}),
    "afrcnn-12": (AFRCNN, {"iterations": 12}),
    "afrcnn-16": (AFRCNN, {"iterations": 16}),
    "sudormrf-1.0x": (SuDoRMRF, {}),
    "tdanet": (TDANet, {}),
    "tdanet-large": (TDANet, {"basis": 17, "window": 32, "hop": 8}),
}
#: settings that may be 0 or less; every other number is a size or a count
_MAY_BE_ZERO = frozenset({"biases", "consistency", "dropout", "epsilon", "input_level", "low_bins", "skip"})


def separator_names() -> list[str]:
    """Names that :func:`build_separator` knows."""
    return sorted(_FAMILIES)


def build_separator(name: str, **settings: Any) -> nn.Module:
    """Build a separator with fresh weights.

    Args:
        name: one of :func:`separator_names`.
        **settings: arguments of the family's class; what is left out takes the name's value or the default.

    Raises:
        ValueError: the name or a setting is unknown, or a size is below 1.
    """
    if name not in _FAMILIES:
        raise ValueError(f"no separator is called {name!r}: choose from {', '.join(separator_names())}")
    family, settled = _FAMILIES[name]
    known = {
        parameter
        for kind in family.__mro__
        if kind is not nn.Module and kind is not object
        for parameter in inspect.signature(kind).parameters
    } - {"filterbank", "filters", "width"}
    if unknown := sorted(set(settings) - known):
        raise ValueError(f"{name} has no setting {unknown[0]!r}: choose from {', '.join(sorted(known))}")
    for setting in settings.keys() - _MAY_BE_ZERO:
        value = settings[setting]
        if any(isinstance(size, int) and size < 1 for size in (value if isinstance(value, list | tuple) else [value])):
            raise ValueError(f"{setting} is {value}: give at least 1")
    return family(**settled | settings)
