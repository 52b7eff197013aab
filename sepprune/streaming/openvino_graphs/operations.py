"""OpenVINO operations with Python arguments and types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..openvino_library import ops


class Value(Protocol):
    """One output of an operation, as OpenVINO has it. OpenVINO itself comes without types."""

    @property
    def shape(self) -> Sequence[int]:
        """Its size along every axis."""


class Operation(Protocol):
    """An operation with its outputs."""

    def output(self, index: int) -> Value:
        """One of them."""

    def outputs(self) -> list[Value]:
        """All of them."""


def only(operation: Operation) -> Value:
    """The only output of an operation."""
    return operation.output(0)


def constant(array: NDArray[np.generic] | float) -> Value:
    """A constant; a Python number becomes single precision."""
    return only(ops.constant(np.asarray(array, np.float32) if isinstance(array, float) else array))


def axis(number: int) -> Value:
    """An axis, as operations take it."""
    return constant(np.array([number], np.int64))


def add(left: Value, right: Value) -> Value:
    return only(ops.add(left, right))


def subtract(left: Value, right: Value) -> Value:
    return only(ops.subtract(left, right))


def multiply(left: Value, right: Value) -> Value:
    return only(ops.multiply(left, right))


def divide(left: Value, right: Value) -> Value:
    return only(ops.divide(left, right))


def square(value: Value) -> Value:
    return multiply(value, value)


def product(left: Value, right: Value) -> Value:
    return only(ops.matmul(left, right, False, False))


def transposed_product(left: Value, right: Value) -> Value:
    """``left`` times the transpose of ``right``."""
    return only(ops.matmul(left, right, False, True))


def sigmoid(value: Value) -> Value:
    return only(ops.sigmoid(value))


def tanh(value: Value) -> Value:
    return only(ops.tanh(value))


def logarithm(value: Value) -> Value:
    return only(ops.log(value))


def exponential(value: Value) -> Value:
    return only(ops.exp(value))


def positive_part(value: Value) -> Value:
    return only(ops.relu(value))


def sign(value: Value) -> Value:
    return only(ops.sign(value))


def clamped(value: Value, lowest: float, highest: float) -> Value:
    return only(ops.clamp(value, lowest, highest))


def larger(left: Value, right: Value) -> Value:
    return only(ops.maximum(left, right))


def reshape(value: Value, *shape: int) -> Value:
    if tuple(value.shape) == shape:
        return value
    return only(ops.reshape(value, np.array(shape, np.int64), False))


def transpose(value: Value, *order: int) -> Value:
    """Exchange axes. Where axes of one element move only, this is a reshape, which costs nothing."""
    moved = [axis for axis in order if value.shape[axis] > 1]
    if moved == sorted(moved):
        return reshape(value, *(value.shape[axis] for axis in order))
    return only(ops.transpose(value, np.array(order, np.int64)))


def concatenate(values: Sequence[Value], axis: int) -> Value:
    return values[0] if len(values) == 1 else only(ops.concat(list(values), axis))


def split(value: Value, axis: int, parts: int) -> list[Value]:
    """Equal parts."""
    return [value] if parts == 1 else _all(ops.split(value, axis, parts))


def split_sizes(value: Value, axis: int, sizes: Sequence[int]) -> list[Value]:
    """Parts of the given sizes."""
    return [value] if len(sizes) == 1 else _all(ops.variadic_split(value, axis, np.array(sizes, np.int64)))


def part(value: Value, axis: int, start: int, stop: int) -> Value:
    """Elements ``start`` to ``stop`` along an axis, both counted from the beginning."""
    if (start, stop) == (0, value.shape[axis]):
        return value
    return only(ops.slice(value, *(np.array([number], np.int64) for number in (start, stop, 1, axis))))


def _all(operation: Operation) -> list[Value]:
    return list(operation.outputs())
