"""Layers of neural networks as OpenVINO operations.

Values between layers have the shape ``(frames, channels)`` unless a layer says otherwise. A stream has a batch of one,
and matrix products of two dimensions are the fastest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..openvino_library import ops
from .operations import (
    Value,
    add,
    axis,
    concatenate,
    constant,
    multiply,
    only,
    sigmoid,
    split,
    tanh,
    transposed_product,
)

#: largest number of the symmetric 8-bit grid
_LARGEST = 127
#: gates of an LSTM: input, forget, candidate, output
_GATES = 4
#: of torch.nn.LayerNorm and torch.nn.BatchNorm1d
NORM_EPSILON = 1e-5


class Weights:
    """The weights of a level by name, and which of them were used.

    Args:
        arrays: weights in single precision.
    """

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        self._arrays, self._used = arrays, set[str]()

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        self._used.add(name)
        return self._arrays[name]

    def unused(self) -> list[str]:
        """Names of weights that no layer took. Counters of training are not weights."""
        return sorted(
            name for name in self._arrays.keys() - self._used if name.rpartition(".")[2] != "num_batches_tracked"
        )


class LstmState(NamedTuple):
    """State of an LSTM, each ``(1, units)``."""

    hidden: Value
    cell: Value

    @classmethod
    def of(cls, hidden: Value | None, cell: Value | None) -> LstmState | None:
        """``None`` where there are no units."""
        return None if hidden is None or cell is None else cls(hidden, cell)


class Layers:
    """Makes operations of layers.

    Args:
        weights: of the level; a layer is called as its weights are.
        int8: keep the weights of matrix products and convolutions in 8 bits, symmetric, with one scale for each output
            channel. The arithmetic stays in fp32. What a step of one chunk waits for are weights from memory.
    """

    def __init__(self, weights: Weights, int8: bool) -> None:
        self.weights, self._int8 = weights, int8

    # ---- weights

    def weight(self, rows: NDArray[np.float32]) -> Value:
        """Weights of a matrix product or convolution, output channels first."""
        if not self._int8:
            return constant(rows)
        flat = rows.reshape(len(rows), -1)
        scale = np.maximum(np.abs(flat).max(axis=1) / _LARGEST, np.finfo(np.float32).tiny)
        numbers = np.rint(flat / scale[:, None]).astype(np.int8).reshape(rows.shape)
        # the plugin recognises this pattern and unpacks the numbers inside the product
        wide = only(ops.convert(ops.constant(numbers), np.float32))
        return multiply(wide, constant(scale.reshape(-1, *[1] * (rows.ndim - 1))))

    # ---- layers

    def linear(self, features: Value | None, layer: str) -> Value:
        """Matrix product and bias, as :class:`torch.nn.Linear`.

        Args:
            features: ``None`` where all their channels were pruned away. The result is then one row, which an addition
                repeats for every frame.
            layer: name of the layer.
        """
        return self._affine(features, self.weights[f"{layer}.weight"], self.weights[f"{layer}.bias"])

    def linear_or_nothing(self, features: Value | None, layer: str) -> Value | None:
        """:meth:`linear`, or ``None`` where the layer has no output channels: pruning has removed what reads them."""
        matrix, bias = self.weights[f"{layer}.weight"], self.weights[f"{layer}.bias"]
        return self._affine(features, matrix, bias) if bias.size else None

    def _affine(self, features: Value | None, matrix: NDArray[np.float32], bias: NDArray[np.float32]) -> Value:
        if not bias.size:
            raise ValueError("a layer has no output channels")
        if features is None:
            return constant(bias[None])
        return add(self.product(features, matrix), constant(bias[None]))

    def product(self, features: Value, matrix: NDArray[np.float32]) -> Value:
        """``(..., inputs)`` times the transpose of ``(outputs, inputs)``."""
        return transposed_product(features, self.weight(matrix))

    def layer_norm(self, features: Value, layer: str, epsilon: float = NORM_EPSILON) -> Value:
        """Norm over the channels of each frame, as :class:`torch.nn.LayerNorm`."""
        normal = only(ops.mvn(features, axis(-1), True, float(epsilon), "inside_sqrt"))
        weight, bias = (constant(self.weights[f"{layer}.{name}"][None]) for name in ("weight", "bias"))
        return add(multiply(normal, weight), bias)

    def lstm(
        self, sequence: Value | None, frames: int, start: LstmState | None, layer: str
    ) -> tuple[Value, LstmState] | None:
        """An LSTM of one layer as matrix products, frame by frame, as :class:`torch.nn.LSTM`.

        OpenVINO's own LSTM operation is a loop that costs more than its arithmetic.

        Args:
            sequence: ``(frames, inputs)``, ``None`` where all its channels were pruned away.
            frames: their number.
            start: state before the first frame, ``None`` where all units were pruned away.
            layer: name of the layer.

        Returns:
            hidden states ``(frames, units)`` and the last state; ``None`` where there are no units.
        """
        input_matrix, recurrent_matrix, input_bias, recurrent_bias = (
            self.weights[f"{layer}.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        if start is None:
            return None
        driven = self._affine(sequence, input_matrix, input_bias + recurrent_bias)
        rows = [driven] * frames if sequence is None else split(driven, 0, frames)
        recurrent = self.weight(recurrent_matrix)
        hidden, cell = start
        outputs = []
        for row in rows:
            gates = add(row, transposed_product(hidden, recurrent))
            enter, forget, candidate, leave = split(gates, 1, _GATES)
            cell = add(multiply(sigmoid(forget), cell), multiply(sigmoid(enter), tanh(candidate)))
            hidden = multiply(sigmoid(leave), tanh(cell))
            outputs.append(hidden)
        return concatenate(outputs, 0), LstmState(hidden, cell)
