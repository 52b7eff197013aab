"""Layers of neural networks as OpenVINO operations.

Values between layers have the shape ``(frames, channels)`` unless a layer says otherwise. A stream has a batch of one,
and matrix products of two dimensions are the fastest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..openvino_library import openvino, ops

#: one output of an operation, with its shape
Value = openvino.Output

#: largest number of the symmetric 8-bit grid
_LARGEST = 127
#: gates of an LSTM: input, forget, candidate, output
_GATES = 4
#: of torch.nn.LayerNorm and torch.nn.BatchNorm1d
_NORM_EPSILON = 1e-5


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
        wide = ops.convert(ops.constant(numbers), np.float32)
        return ops.multiply(wide, ops.constant(scale.reshape(-1, *[1] * (rows.ndim - 1)))).output(0)

    def has(self, layer: str) -> bool:
        """Whether the level has weights of this layer."""
        return f"{layer}.weight" in self.weights

    # ---- layers

    def linear(self, features: Value | None, layer: str) -> Value | None:
        """Matrix product and bias, as :class:`torch.nn.Linear`.

        ``None`` stands for no channels: for features whose channels were all pruned away, and for a result without
        channels.
        """
        return self._affine(features, self.weights[f"{layer}.weight"], self.weights[f"{layer}.bias"])

    def _affine(self, features: Value | None, matrix: NDArray[np.float32], bias: NDArray[np.float32]) -> Value | None:
        if not bias.size:
            return None
        if features is None:
            return constant(bias[None])  # its input was pruned away; the addition of what follows repeats it
        return add(self.product(features, matrix), constant(bias[None]))

    def product(self, features: Value, matrix: NDArray[np.float32]) -> Value:
        """``(..., inputs)`` times the transpose of ``(outputs, inputs)``."""
        return ops.matmul(features, self.weight(matrix), False, True).output(0)

    def layer_norm(self, features: Value, layer: str) -> Value:
        """Norm over the channels of each frame, as :class:`torch.nn.LayerNorm`."""
        normal = ops.mvn(features, axis(-1), True, _NORM_EPSILON, "inside_sqrt")
        weight, bias = (constant(self.weights[f"{layer}.{name}"][None]) for name in ("weight", "bias"))
        return add(multiply(normal.output(0), weight), bias)

    def lstm(
        self, sequence: Value | None, frames: int, hidden: Value | None, cell: Value | None, layer: str
    ) -> tuple[Value | None, Value | None, Value | None]:
        """An LSTM of one layer as matrix products, frame by frame, as :class:`torch.nn.LSTM`.

        OpenVINO's own LSTM operation is a loop that costs more than its arithmetic.

        Args:
            sequence: ``(frames, inputs)``, ``None`` where its channels were all pruned away.
            frames: their number.
            hidden, cell: ``(1, units)`` before the first frame, ``None`` where all units were pruned away.
            layer: name of the layer.

        Returns:
            hidden states ``(frames, units)``, and the last hidden and cell state.
        """
        named = (
            self.weights[f"{layer}.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )  # all of them, also where there are no units: an unused weight is an error
        input_matrix, recurrent_matrix, input_bias, recurrent_bias = named
        if hidden is None or cell is None:
            return None, None, None
        driven = self._affine(sequence, input_matrix, input_bias + recurrent_bias)
        rows = [driven] * frames if sequence is None else split(driven, 0, frames)
        recurrent = self.weight(recurrent_matrix)
        outputs = []
        for row in rows:
            gates = add(row, ops.matmul(hidden, recurrent, False, True).output(0))
            enter, forget, candidate, leave = split(gates, 1, _GATES)
            kept = multiply(sigmoid(forget), cell)
            cell = add(kept, multiply(sigmoid(enter), tanh(candidate)))
            hidden = multiply(sigmoid(leave), tanh(cell))
            outputs.append(hidden)
        return concatenate(outputs, 0), hidden, cell


# ---- operations with Python arguments


def constant(array: NDArray[np.generic] | float) -> Value:
    """A constant; numbers become single precision."""
    return ops.constant(np.asarray(array, np.float32) if isinstance(array, float) else array).output(0)


def axis(number: int) -> Value:
    """An axis, or a list of one, as operations take it."""
    return ops.constant(np.array([number], np.int64)).output(0)


def add(left: Value, right: Value) -> Value:
    return ops.add(left, right).output(0)


def subtract(left: Value, right: Value) -> Value:
    return ops.subtract(left, right).output(0)


def multiply(left: Value, right: Value) -> Value:
    return ops.multiply(left, right).output(0)


def square(value: Value) -> Value:
    return multiply(value, value)


def sigmoid(value: Value) -> Value:
    return ops.sigmoid(value).output(0)


def tanh(value: Value) -> Value:
    return ops.tanh(value).output(0)


def logarithm(value: Value) -> Value:
    return ops.log(value).output(0)


def reshape(value: Value, *shape: int) -> Value:
    if tuple(value.shape) == shape:
        return value
    return ops.reshape(value, np.array(shape, np.int64), False).output(0)


def transpose(value: Value, *order: int) -> Value:
    """Exchange axes; where at most one of them has more than one element that is a reshape, which costs nothing."""
    shape = [value.shape[axis] for axis in order]
    moved = [axis for axis in order if value.shape[axis] > 1]
    if moved == sorted(moved):
        return reshape(value, *shape)
    return ops.transpose(value, np.array(order, np.int64)).output(0)


def concatenate(values: Sequence[Value], axis: int) -> Value:
    return values[0] if len(values) == 1 else ops.concat(list(values), axis).output(0)


def split(value: Value, axis: int, parts: int) -> list[Value]:
    """Equal parts."""
    return [value] if parts == 1 else list(ops.split(value, axis, parts).outputs())


def split_sizes(value: Value, axis: int, sizes: Sequence[int]) -> list[Value]:
    """Parts of the given sizes."""
    if len(sizes) == 1:
        return [value]
    return list(ops.variadic_split(value, axis, np.array(sizes, np.int64)).outputs())


def part(value: Value, axis: int, start: int, stop: int) -> Value:
    """Elements ``start`` to ``stop`` along an axis, both counted from the beginning."""
    if (start, stop) == (0, value.shape[axis]):
        return value
    begin, end, step, along = (np.array([number], np.int64) for number in (start, stop, 1, axis))
    return ops.slice(value, begin, end, step, along).output(0)
