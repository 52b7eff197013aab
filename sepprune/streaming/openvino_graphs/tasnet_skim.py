"""The network of :class:`sepprune.separators.tasnet_skim.TasnetSkiM`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..openvino_library import ops
from .layers import Layers, LstmState
from .operations import Value, add, constant, only, reshape, transpose
from .state import Shape, present
from .tasnet import activated

#: of :class:`sepprune.separators.tasnet_skim.TasnetSkiM`
DEFAULTS: dict[str, Any] = {"hidden": 256, "blocks": 4, "segment": 250, "carries": "both", "epsilon": 1e-8}
SETTINGS = frozenset(DEFAULTS)
#: LSTMs of a memory
_NETS = {"both": ("hidden", "cell"), "hidden": ("hidden",), "cell": ("cell",), "same": ()}


class TasnetSkimNetwork:
    """Segment LSTMs with norms after them in residual blocks, and the memories between segments.

    Args:
        settings: of the level, before pruning.
        layers: with the level's weights.
    """

    def __init__(self, settings: Mapping[str, Any], layers: Layers) -> None:
        found = {**DEFAULTS, **settings}
        self._epsilon, self._nets, self._same = found["epsilon"], _NETS[found["carries"]], found["carries"] == "same"
        self._blocks = [f"network.{index}" for index in range(found["blocks"])]
        self._memories = [f"memories.{index}" for index in range(found["blocks"] - 1)]

        def units(layer: str) -> Shape:
            return (1, layers.weights[f"{layer}.lstm.weight_hh_l0"].shape[1])

        self.state_shapes: list[Shape] = [units(block) for block in self._blocks for _ in range(2)]
        self.state_shapes += [
            units(f"{memory}.{net}_net") for memory in self._memories for net in self._nets for _ in range(2)
        ]

    def masks(self, layers: Layers, features: Value, state: list[Value | None]) -> tuple[Value, list[Value | None]]:
        _, basis, frames = features.shape
        rows = transpose(reshape(features, basis, frames), 1, 0)
        ends: list[Value | None] = []
        for index, block in enumerate(self._blocks):
            change, end = self._normed_lstm(layers, rows, frames, state[2 * index : 2 * index + 2], block)
            rows = add(rows, change)
            ends += end
        columns = reshape(transpose(rows, 1, 0), 1, basis, frames)
        scores = activated(layers, columns, "prelu", "activation")
        filters = layers.weight(layers.weights["mask.weight"])
        masks = only(ops.convolution(scores, filters, [1], [0], [0], [1]))
        return add(masks, constant(layers.weights["mask.bias"][None, :, None])), ends

    def end_segment(self, layers: Layers, state: list[Value | None]) -> list[Value | None]:
        pairs = 2 * len(self._blocks)
        starts: list[Value | None] = [
            constant(np.zeros(tuple(present(tensor).shape), np.float32)) for tensor in state[:2]
        ]
        after: list[Value | None] = []
        for index, memory in enumerate(self._memories):
            for end, kind in zip(state[2 * index : 2 * index + 2], ("hidden", "cell"), strict=True):
                if self._same:
                    starts.append(end)
                elif kind not in self._nets:
                    starts.append(constant(np.zeros(tuple(present(end).shape), np.float32)))
                else:
                    at = pairs + len(after)
                    change, its_state = self._normed_lstm(
                        layers, present(end), 1, state[at : at + 2], f"{memory}.{kind}_net"
                    )
                    starts.append(add(present(end), change))
                    after += its_state
        return [*starts, *after]

    def _normed_lstm(
        self, layers: Layers, rows: Value, frames: int, state: list[Value | None], layer: str
    ) -> tuple[Value, LstmState]:
        """LSTM, projection and norm, and the last state."""
        found = layers.lstm(rows, frames, LstmState.of(*state), f"{layer}.lstm")
        if found is None:
            raise ValueError(f"{layer} has no units")
        outputs, after = found
        return layers.layer_norm(layers.linear(outputs, f"{layer}.project"), f"{layer}.norm", self._epsilon), after
