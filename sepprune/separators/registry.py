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
#: lowest value of settings that may be 0 or less; every other number is a size or a count
_LOWEST = {"biases": 0, "consistency": 0, "dropout": 0, "epsilon": 0, "input_level": -1000, "low_bins": 0, "skip": 0}


def separator_names() -> list[str]:
    """Names that :func:`build_separator` knows."""
    return sorted(_FAMILIES)


def build_separator(name: str, **settings: Any) -> nn.Module:
    """Build a separator with fresh weights.

    Args:
        name: one of :func:`separator_names`.
        **settings: arguments of the family's class; what is left out takes the name's value or the default.

    Raises:
        ValueError: the name or a setting is unknown, or a setting is no number, list or name where one is needed.
    """
    if name not in _FAMILIES:
        raise ValueError(f"no separator is called {name!r}: choose from {', '.join(separator_names())}")
    family, settled = _FAMILIES[name]
    known = {
        parameter.name: str(parameter.annotation)
        for kind in family.__mro__
        if kind is not nn.Module and kind is not object
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.name not in ("filterbank", "filters", "width")
    }
    if unknown := sorted(settings.keys() - known.keys()):
        raise ValueError(f"{name} has no setting {unknown[0]!r}: choose from {', '.join(sorted(known))}")
    for setting, value in settings.items():
        _check(setting, value, known[setting])
    return family(**settled | settings)


def _check(setting: str, value: Any, kind: str) -> None:
    """Refuse a value that torch would refuse without naming the setting.

    Args:
        setting: its name.
        value: what was given.
        kind: the annotation of the parameter.
    """
    several, named = isinstance(value, list | tuple), "str" in kind
    if several and "Sequence" not in kind:
        raise ValueError(f"{setting} is {value}: give one number")
    if not several and isinstance(value, str) != named:
        raise ValueError(f"{setting} is {value!r}: give a {'name' if named else 'number'}")
    lowest = _LOWEST.get(setting, 1)
    if any(isinstance(number, int) and number < lowest for number in (value if several else [value])):
        raise ValueError(f"{setting} is {value}: give at least {lowest}")
