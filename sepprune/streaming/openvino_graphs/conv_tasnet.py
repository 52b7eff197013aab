"""The network of :class:`sepprune.separators.conv_tasnet.ConvTasNet`.

Its values have the shape ``(1, channels, frames)``, as convolutions take them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..openvino_library import ops
from .layers import NORM_EPSILON, Layers
from .operations import Value, add, concatenate, constant, only, part, reshape, transpose
from .state import Shape

#: of :class:`sepprune.separators.conv_tasnet.ConvTasNet`; most of them show in the shapes of the weights
SETTINGS = frozenset({"bottleneck", "hidden", "blocks", "dilations", "kernel"})
_DEFAULT_BLOCKS, _DEFAULT_DILATIONS, _DEFAULT_HIDDEN, _DEFAULT_KERNEL = 16, 8, 384, 3


class ConvTasNetwork:
    """Residual blocks of dilated depthwise convolutions over the past.

    Args:
        settings: of the level, before pruning.
        layers: with the level's weights.
    """

    def __init__(self, settings: Mapping[str, Any], layers: Layers) -> None:
        hidden = settings.get("hidden", _DEFAULT_HIDDEN)
        blocks = settings.get("blocks", _DEFAULT_BLOCKS) if isinstance(hidden, int) else len(hidden)
        dilations = settings.get("dilations", _DEFAULT_DILATIONS)
        kernel = settings.get("kernel", _DEFAULT_KERNEL)
        self._blocks = [f"network.{index}" for index in range(blocks)]
        self._dilations = [2 ** (index % dilations) for index in range(blocks)]
        self.state_shapes: list[Shape] = [
            (1, _channels(layers, block), (kernel - 1) * dilation)
            for block, dilation in zip(self._blocks, self._dilations, strict=True)
        ]

    def masks(
        self, layers: Layers, features: Value, state: list[Value | None]
    ) -> tuple[Value, Value, list[Value | None]]:
        frames, weights = features.shape[0], layers.weights
        columns = reshape(transpose(features, 1, 0), 1, features.shape[1], frames)
        hidden = _pointwise(layers, columns, weights["bottleneck.weight"], weights["bottleneck.bias"])
        after: list[Value | None] = []
        for block, dilation, past in zip(self._blocks, self._dilations, state, strict=True):
            if f"{block}.expand.weight" not in weights:  # pruning has removed the block
                if f"{block}.bias" in weights:
                    hidden = add(hidden, constant(weights[f"{block}.bias"][None, :, None]))
                after.append(None)
                continue
            change, later = self._block(layers, hidden, past, block, dilation)
            hidden = add(hidden, change)
            after.append(later)
        hidden = prelu(layers, hidden, "activation")
        masks = _pointwise(layers, hidden, weights["mask.weight"], weights["mask.bias"])
        return _rows(masks), _rows(hidden), after

    def end_segment(self, layers: Layers, state: list[Value | None]) -> list[Value | None]:
        """The state needs no upkeep."""
        return state

    def _block(
        self, layers: Layers, hidden: Value, past: Value | None, block: str, dilation: int
    ) -> tuple[Value, Value | None]:
        """What a block adds to its input, and its new past; there is none where a filter has one tap."""
        weights = layers.weights
        scale, shift = batch_norm(layers, f"{block}.expand_norm")
        wide = _pointwise(layers, hidden, weights[f"{block}.expand.weight"] * scale[:, None, None], shift)
        present = prelu(layers, wide, f"{block}.expand_activation")
        extended = present if past is None else concatenate([past, present], 2)
        scale, shift = batch_norm(layers, f"{block}.depthwise_norm")
        taps = weights[f"{block}.depthwise.weight"] * scale[:, None, None]  # (channels, 1, taps)
        convolution = ops.group_convolution(
            extended, reshape(layers.weight(taps), len(taps), 1, 1, taps.shape[2]), [1], [0], [0], [dilation]
        )
        filtered = add(only(convolution), constant(shift[None, :, None]))
        filtered = prelu(layers, filtered, f"{block}.depthwise_activation")
        change = _pointwise(layers, filtered, weights[f"{block}.project.weight"], weights[f"{block}.project.bias"])
        length = extended.shape[2]
        return change, None if past is None else part(extended, 2, length - past.shape[2], length)


def _channels(layers: Layers, block: str) -> int:
    """Channels inside a block, 0 where pruning has removed it."""
    name = f"{block}.expand.weight"
    return len(layers.weights[name]) if name in layers.weights else 0


def _pointwise(layers: Layers, columns: Value, filters: NDArray[np.float32], bias: NDArray[np.float32]) -> Value:
    """Convolution of one tap with a bias; filters ``(outputs, inputs, 1)``."""
    mixed = ops.convolution(columns, layers.weight(filters), [1], [0], [0], [1])
    return add(only(mixed), constant(bias[None, :, None]))


def batch_norm(layers: Layers, layer: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scale and shift of each channel that a batch norm amounts to in use."""
    mean, variance, weight, bias = (
        layers.weights[f"{layer}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")
    )
    scale = weight / np.sqrt(variance + np.float32(NORM_EPSILON))
    return scale, bias - mean * scale


def prelu(layers: Layers, columns: Value, layer: str) -> Value:
    return only(ops.prelu(columns, constant(layers.weights[f"{layer}.weight"])))


def _rows(columns: Value) -> Value:
    """``(1, channels, frames)`` as ``(frames, channels)``."""
    _, channels, frames = columns.shape
    return transpose(reshape(columns, channels, frames), 1, 0)
