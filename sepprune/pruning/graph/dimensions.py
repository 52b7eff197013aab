"""Labels after broadcasting and reshaping, which rules of several kinds need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import fx

from .flow import Dims, Flow
from .labels import Vector


def size_slots(sizes: Sequence[Any], dims: Dims) -> list[tuple[int, Vector]]:
    """The stated sizes, each with the dimension whose size it is; for :attr:`Flow.size_slots`."""
    return [(size, vector) for size, vector in zip(sizes, dims, strict=False) if isinstance(size, int)]


def broadcast(flow: Flow, node: fx.Node, operands: Sequence[Dims], shapes: Sequence[Sequence[int]], why: str) -> Dims:
    """Labels of an operation that works element by element on operands of these shapes."""
    rank = max(len(dims) for dims in operands)
    result: list[Vector] = []
    for position in range(-rank, 0):
        present = [
            (dims[position], sizes[position])
            for dims, sizes in zip(operands, shapes, strict=True)
            if len(dims) >= -position
        ]
        wide = [vector for vector, size in present if size > 1]
        merged = wide[0] if wide else None
        for vector in wide[1:]:
            merged = flow.tie(node, merged, vector, why)
        result.append(merged)
    return tuple(result)


def reshape(flow: Flow, node: fx.Node, dims: Dims, before: Sequence[int], after: Sequence[int]) -> Dims:
    """Labels after a reshape.

    Both shapes are divided into common factors. A dimension that is split keeps its labels on one factor and is tied
    along the others, because only whole indices of a dimension can be deleted from a tensor.
    """
    factors = _common_factors(before, after)
    if factors is None:
        flow.freeze(node, dims, "a reshape that mixes these dimensions")
        return (None,) * len(after)
    labels: list[Vector] = []
    position = 0
    for vector, size in zip(dims, before, strict=True):
        parts, position = _take(factors, position, size)
        labels += split_evenly(flow, node, vector, parts)
    result: list[Vector] = []
    position = 0
    for size in after:
        parts, end = _take(factors, position, size)
        result.append(_merge(flow, node, labels[position:end], parts))
        position = end
    return tuple(result)


def _common_factors(before: Sequence[int], after: Sequence[int]) -> list[int] | None:
    """The finest factors, in order, of which both shapes are products; ``None`` where there are none."""
    if math.prod(before) != math.prod(after) or 0 in before:
        return None
    left, right = ([size for size in sizes if size != 1] for sizes in (before, after))
    factors: list[int] = []
    while left and right:
        first, second = left.pop(0), right.pop(0)
        factor = math.gcd(first, second)
        if factor != min(first, second):
            # (6, 4) -> (4, 6): the boundary of one lies inside a factor of the other
            return None
        factors.append(factor)
        if first > factor:
            left.insert(0, first // factor)
        if second > factor:
            right.insert(0, second // factor)
    return factors


def _take(factors: Sequence[int], position: int, size: int) -> tuple[list[int], int]:
    """The factors from ``position`` on whose product is ``size``, and the position after them."""
    parts: list[int] = []
    while math.prod(parts) < size:
        parts.append(factors[position])
        position += 1
    return parts, position


def split_evenly(flow: Flow, node: fx.Node, vector: Vector, parts: Sequence[int]) -> list[Vector]:
    """Labels of a dimension that is split into dimensions of these sizes; one of them carries the labels."""
    if vector is None or len(parts) < 2:
        return [vector] * len(parts)
    grid = flow.labels.find(vector).reshape(parts)
    varying = [axis for axis in range(len(parts)) if (grid != grid.take([0], axis)).any()]
    carrier = max(varying or range(len(parts)), key=lambda axis: (parts[axis], axis))
    rows = np.moveaxis(grid, carrier, -1).reshape(-1, parts[carrier])
    labels: Vector = rows[0]
    for row in rows[1:]:
        if labels is None or not np.array_equal(labels, row):
            labels = flow.tie(node, labels, row, "a reshape splits these channels evenly")
    return [labels if axis == carrier else None for axis in range(len(parts))]


def _merge(flow: Flow, node: fx.Node, vectors: Sequence[Vector], parts: Sequence[int]) -> Vector:
    """Labels of dimensions of sizes ``parts`` that become one; only one of them keeps its labels free."""
    labelled = {axis: vector for axis, vector in enumerate(vectors) if vector is not None}
    if not labelled:
        return None
    keep = max(labelled, key=lambda axis: parts[axis])
    for axis, vector in labelled.items():
        if axis != keep:
            flow.freeze(node, vector, "a reshape merges these channels with others")
    return np.tile(np.repeat(labelled[keep], math.prod(parts[keep + 1 :])), math.prod(parts[:keep]))
