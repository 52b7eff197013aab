"""The network of :class:`sepprune.separators.tasnet_tcn.TasnetTCN`.

Its values have the shape ``(1, channels, frames)``, as convolutions take them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..openvino_library import ops
from .conv_tasnet import batch_norm, prelu
from .layers import Layers
from .operations import (
    Value,
    add,
    axis,
    concatenate,
    constant,
    multiply,
    only,
    part,
    positive_part,
    reshape,
    split,
    square,
    subtract,
)
from .state import Shape, present
from .tasnet import activated

#: of :class:`sepprune.separators.tasnet_tcn.TasnetTCN`
DEFAULTS: dict[str, Any] = {
    "bottleneck": 128,
    "hidden": 512,
    "skip": 0,
    "blocks": 8,
    "repeats": 3,
    "kernel": 3,
    "norm": "frame",
    "first_norm": "",
    "score_activation": "prelu",
    "biases": 1,
    "epsilon": 1e-8,
}
SETTINGS = frozenset(DEFAULTS)
#: frames, mean and variance so far
_CUMULATIVE: Shape = (1, 3)


class TasnetTCNetwork:
    """Residual blocks of dilated depthwise convolutions over the past, with norms over channels.

    Args:
        settings: of the level, before pruning.
        layers: with the level's weights.
    """

    def __init__(self, settings: Mapping[str, Any], layers: Layers) -> None:
        found = {**DEFAULTS, **settings}
        count = found["blocks"] * found["repeats"]
        self._blocks = [f"network.{index}" for index in range(count)]
        self._dilations = [2 ** (index % found["blocks"]) for index in range(count)]
        self._norm, self._first, self._epsilon = found["norm"], found["first_norm"] or found["norm"], found["epsilon"]
        self._score, self._skips = found["score_activation"], bool(found["skip"])
        norms = [_CUMULATIVE] * 2 if self._norm == "cumulative" else []
        self.state_shapes: list[Shape] = [_CUMULATIVE] if self._first == "cumulative" else []
        for block, dilation in zip(self._blocks, self._dilations, strict=True):
            name = f"{block}.expand.weight"  # not where pruning has removed the block
            channels = len(layers.weights[name]) if name in layers.weights else 0
            self.state_shapes += [(1, channels, (found["kernel"] - 1) * dilation), *norms]
        self._each = 1 + len(norms)

    def masks(self, layers: Layers, features: Value, state: list[Value | None]) -> tuple[Value, list[Value | None]]:
        own = len(state) - self._each * len(self._blocks)
        hidden, after = self._normed(layers, features, self._first, "norm", state[:own])
        hidden, skips = _pointwise(layers, hidden, "bottleneck"), None
        for index, (block, dilation) in enumerate(zip(self._blocks, self._dilations, strict=True)):
            past, *norms = state[own + index * self._each : own + (index + 1) * self._each]
            if f"{block}.expand.weight" not in layers.weights:
                if f"{block}.bias" in layers.weights:
                    hidden = add(hidden, constant(layers.weights[f"{block}.bias"][None, :, None]))
                after.append(None)
                continue
            wide = prelu(layers, _pointwise(layers, hidden, f"{block}.expand"), f"{block}.expand_activation")
            wide, first = self._normed(layers, wide, self._norm, f"{block}.expand_norm", norms[:1])
            extended = concatenate([present(past), wide], 2)
            filtered = _depthwise(layers, extended, f"{block}.depthwise", dilation)
            filtered = prelu(layers, filtered, f"{block}.depthwise_activation")
            filtered, second = self._normed(layers, filtered, self._norm, f"{block}.depthwise_norm", norms[1:])
            length = extended.shape[2]
            after += [part(extended, 2, length - present(past).shape[2], length), *first, *second]
            hidden = add(hidden, _pointwise(layers, filtered, f"{block}.project"))
            if self._skips:
                skip = _pointwise(layers, filtered, f"{block}.skip")
                skips = skip if skips is None else add(skips, skip)
        scores = activated(layers, hidden if skips is None else skips, self._score, "activation")
        return _pointwise(layers, scores, "mask"), after

    def end_segment(self, layers: Layers, state: list[Value | None]) -> list[Value | None]:
        """The state needs no upkeep."""
        return state

    def _normed(
        self, layers: Layers, columns: Value, kind: str, layer: str, state: list[Value | None]
    ) -> tuple[Value, list[Value | None]]:
        """A norm over channels by name, and its new state."""
        if kind == "batch":
            scale, shift = batch_norm(layers, layer)
            return add(multiply(columns, constant(scale[None, :, None])), constant(shift[None, :, None])), []
        after: list[Value | None] = []
        if kind == "frame":
            normal = only(ops.mvn(columns, axis(1), True, float(self._epsilon), "inside_sqrt"))
        elif kind == "cumulative":
            normal, last = self._cumulative(columns, present(state[0]))
            after = [last]
        else:
            raise ValueError(f"no norm is called {kind!r}")
        weight, bias = (constant(layers.weights[f"{layer}.{name}"][None, :, None]) for name in ("weight", "bias"))
        return add(multiply(normal, weight), bias), after

    def _cumulative(self, columns: Value, state: Value) -> tuple[Value, Value]:
        """As :class:`sepprune.separators.norms.CumulativeNorm`, without scale and shift."""
        frames = columns.shape[2]
        count, mean, variance = (reshape(each, 1, 1, 1) for each in split(state, 1, 3))
        counts = add(count, constant(np.arange(1, frames + 1, dtype=np.float32)[None, None]))
        centred = subtract(columns, mean)
        change = _divided(_summed(only(ops.reduce_mean(centred, axis(1), True))), counts)
        spread = only(ops.reduce_mean(square(centred), axis(1), True))
        growth = _divided(_summed(subtract(spread, variance)), counts)
        variances = positive_part(subtract(add(variance, growth), square(change)))
        deviation = only(ops.sqrt(add(variances, constant(float(self._epsilon)))))
        last = [part(each, 2, frames - 1, frames) for each in (counts, add(mean, change), variances)]
        return _divided(subtract(centred, change), deviation), reshape(concatenate(last, 1), 1, 3)


def _summed(columns: Value) -> Value:
    """Sums of all frames so far."""
    return only(ops.cum_sum(columns, constant(np.array(2, np.int64))))


def _divided(left: Value, right: Value) -> Value:
    return only(ops.divide(left, right))


def _pointwise(layers: Layers, columns: Value, layer: str) -> Value:
    """Convolution of one tap, with a bias where there is one."""
    mixed = only(ops.convolution(columns, layers.weight(layers.weights[f"{layer}.weight"]), [1], [0], [0], [1]))
    return _biased(layers, mixed, layer)


def _depthwise(layers: Layers, columns: Value, layer: str, dilation: int) -> Value:
    """Convolution of every channel by itself."""
    taps = layers.weights[f"{layer}.weight"]  # (channels, 1, taps)
    filters = reshape(layers.weight(taps), len(taps), 1, 1, taps.shape[2])
    return _biased(layers, only(ops.group_convolution(columns, filters, [1], [0], [0], [dilation])), layer)


def _biased(layers: Layers, columns: Value, layer: str) -> Value:
    name = f"{layer}.bias"
    return add(columns, constant(layers.weights[name][None, :, None])) if name in layers.weights else columns
