"""The graphs of a level: a step for one fixed chunk, and the upkeep at the end of a segment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ...errors import UserError
from ..ladder import Level
from ..openvino_library import openvino, ops
from . import conv_tasnet, filterbank, skim, tasnet, tasnet_skim, tasnet_tcn
from .conv_tasnet import ConvTasNetwork
from .filterbank import Filterbank, Separator
from .layers import Layers, Weights
from .operations import Value
from .skim import SkimNetwork
from .state import pack, unpack
from .tasnet import LearnedFilters, LearnedSeparator
from .tasnet_skim import TasnetSkimNetwork
from .tasnet_tcn import TasnetTCNetwork


class _Family(NamedTuple):
    """A family of separators.

    Args:
        separator: makes a separator of it from a level's settings and weights.
        settings: that it knows.
    """

    separator: Callable[[Mapping[str, Any], Layers], Separator | LearnedSeparator]
    settings: frozenset[str]


_FAMILIES = {
    "skim": _Family(
        lambda settings, layers: Separator(Filterbank.of(settings), SkimNetwork(settings, layers), layers),
        skim.SETTINGS | filterbank.SETTINGS,
    ),
    "conv-tasnet": _Family(
        lambda settings, layers: Separator(Filterbank.of(settings), ConvTasNetwork(settings, layers), layers),
        conv_tasnet.SETTINGS | filterbank.SETTINGS,
    ),
    "tasnet-skim": _Family(
        lambda settings, layers: LearnedSeparator(
            LearnedFilters.of(settings), TasnetSkimNetwork(settings, layers), layers
        ),
        tasnet_skim.SETTINGS | tasnet.SETTINGS,
    ),
    "tasnet-tcn": _Family(
        lambda settings, layers: LearnedSeparator(
            LearnedFilters.of(settings), TasnetTCNetwork(settings, layers), layers
        ),
        tasnet_tcn.SETTINGS | tasnet.SETTINGS,
    ),
}


class Graphs(NamedTuple):
    """Graphs of a level.

    Args:
        step: maps ``signal`` ``(1, past + samples)``, the chunk after the samples that came before it, and ``state``
            ``(1, numbers)``, zeros at the start, to ``sources`` ``(1, sources, samples)`` and ``new_state``
            ``(1, carried)``. The latter takes the place of the first numbers of the state; the others stay.
        end_segment: maps ``state`` to ``new_state``, both ``(1, numbers)``; ``None`` where the state needs no upkeep.
    """

    step: openvino.Model
    end_segment: openvino.Model | None


def build_graphs(level: Level, samples: int, int8: bool = False) -> Graphs:
    """Graphs of a level for chunks of ``samples`` samples, whole hops.

    They compute what the level's torch module does, to rounding errors of single precision.

    Args:
        level: of a family that :data:`_FAMILIES` names.
        samples: of a chunk.
        int8: as :class:`~sepprune.streaming.openvino_graphs.layers.Layers` takes it.

    Raises:
        UserError: the family is another one, or the weights do not fit its settings.
    """
    if level.model not in _FAMILIES:
        raise UserError(
            f"level {level.level} of {level.folder} is a {level.model}, which OpenVINO graphs are not written for: "
            f"choose the backend onnxruntime or torch, or a level of {' or '.join(_FAMILIES)}"
        )
    weights = Weights(level.arrays())
    try:
        return _build(level, Layers(weights, int8), samples)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError, ArithmeticError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise UserError(
            f"level {level.level} of {level.folder} does not fit this version's {level.model} ({reason}): "
            "write the ladder again"
        ) from error


def _build(level: Level, layers: Layers, samples: int) -> Graphs:
    family = _FAMILIES[level.model]
    if unknown := sorted(level.settings.keys() - family.settings):
        raise ValueError(f"it has no setting {unknown[0]!r}")
    separator = family.separator(level.settings, layers)
    bank = separator.bank
    shapes = separator.state_shapes
    numbers = sum(int(np.prod(shape)) for shape in shapes)

    signal, state = _input("signal", bank.past + samples), _input("state", numbers)
    sources, after = separator.separate(signal.output(0), unpack(state.output(0), shapes), samples // bank.hop)
    step = _model({"sources": sources, "new_state": pack(after)}, [signal, state])
    end = None
    if level.segment is not None:
        state = _input("state", numbers)
        end = _model({"new_state": pack(separator.end_segment(unpack(state.output(0), shapes)))}, [state])
    if unused := layers.weights.unused():
        raise ValueError(f"it has no layer for {unused[0]}")
    return Graphs(step, end)


def _input(name: str, length: int) -> Any:
    parameter = ops.parameter([1, length], np.float32, name)
    parameter.output(0).get_tensor().set_names({name})
    return parameter


def _model(outputs: Mapping[str, Value], inputs: list[Any]) -> openvino.Model:
    results = []
    for name, value in outputs.items():
        result = ops.result(value)
        result.output(0).get_tensor().set_names({name})
        results.append(result)
    return openvino.Model(results, inputs, "level")
