"""The network of :class:`sepprune.separators.skim.SkiM`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .layers import Layers, LstmState
from .operations import Value, add, constant
from .state import Shape

#: of :class:`sepprune.separators.skim.SkiM`; most of them show in the shapes of the weights
SETTINGS = frozenset({"features", "hidden", "blocks", "segment", "memory"})
_DEFAULT_BLOCKS, _DEFAULT_HIDDEN = 4, 256


class SkimNetwork:
    """Segment LSTMs in residual blocks, and the memories between segments.

    Args:
        settings: of the level, before pruning.
        layers: with the level's weights.
    """

    def __init__(self, settings: Mapping[str, Any], layers: Layers) -> None:
        hidden = settings.get("hidden", _DEFAULT_HIDDEN)
        blocks = settings.get("blocks", _DEFAULT_BLOCKS) if isinstance(hidden, int) else len(hidden)
        self._blocks = [f"network.{index}" for index in range(blocks)]
        self._memories = [f"memories.{index}" for index in range(blocks - 1)]
        starts = [_units(layers, f"{block}.lstm") for block in self._blocks]
        memories = [_units(layers, f"{memory}.hidden_lstm") for memory in self._memories]
        self.state_shapes: list[Shape] = [(1, units) for units in starts for _ in range(2)]
        self.state_shapes += [(1, units) for units in memories for _ in range(4)]

    def masks(
        self, layers: Layers, features: Value, state: list[Value | None]
    ) -> tuple[Value, Value, list[Value | None]]:
        frames = features.shape[0]
        hidden = layers.linear(features, "bottleneck")
        starts: list[Value | None] = []
        for index, block in enumerate(self._blocks):
            if f"{block}.lstm.weight_hh_l0" not in layers.weights:  # pruning has removed the block
                if f"{block}.bias" in layers.weights:
                    hidden = add(hidden, constant(layers.weights[f"{block}.bias"][None]))
                starts += [None, None]
                continue
            normal = layers.layer_norm(hidden, f"{block}.norm")
            start = LstmState.of(state[2 * index], state[2 * index + 1])
            outputs, end = layers.lstm(normal, frames, start, f"{block}.lstm") or (None, (None, None))
            hidden = add(hidden, layers.linear(outputs, f"{block}.project"))
            starts += end
        hidden = layers.layer_norm(hidden, "norm")
        return layers.linear(hidden, "mask"), hidden, starts

    def end_segment(self, layers: Layers, state: list[Value | None]) -> list[Value | None]:
        pairs = 2 * len(self._blocks)
        starts: list[Value | None] = []
        for tensor in state[:2]:
            starts.append(None if tensor is None else constant(np.zeros(tuple(tensor.shape), np.float32)))
        memories: list[Value | None] = []
        for index, memory in enumerate(self._memories):
            for kind, end in enumerate(("hidden", "cell")):
                at = pairs + 4 * index + 2 * kind
                before = LstmState.of(state[at], state[at + 1])
                lstm = layers.lstm(state[2 * index + kind], 1, before, f"{memory}.{end}_lstm")
                outputs, after = lstm or (None, (None, None))
                starts.append(layers.linear_or_nothing(outputs, f"{memory}.{end}_project"))
                memories += after
        return [*starts, *memories]


def _units(layers: Layers, lstm: str) -> int:
    """Units of an LSTM, 0 where pruning has removed it."""
    name = f"{lstm}.weight_hh_l0"
    return layers.weights[name].shape[1] if name in layers.weights else 0
