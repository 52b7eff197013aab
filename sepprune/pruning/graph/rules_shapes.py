"""Rules for operations that reshape, move and create dimensions without calculating."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import fx

from .flow import Dims, Flow, rule, shape
from .labels import Vector


def _slots(sizes: Sequence[Any], dims: Dims) -> list[tuple[int, Vector]]:
    return [(size, vector) for size, vector in zip(sizes, dims, strict=False) if isinstance(size, int)]


@rule("view", "reshape", "_unsafe_view", "flatten", "unflatten", "view_as", "reshape_as")
def _view(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    source = args["self"]
    dims = reshape(flow, node, flow.of(source), shape(source), shape(node))
    stated = args.get("size", args.get("shape"))
    if stated is not None:
        flow.size_slots[node] = _slots(stated, dims)
    elif "sizes" in args:
        flow.size_slots[node] = _slots(args["sizes"], dims[args["dim"] % len(shape(source)) :])
    return dims


def reshape(flow: Flow, node: fx.Node, dims: Dims, before: Sequence[int], after: Sequence[int]) -> Dims:
    """Labels after a reshape.

    Both shapes are cut into common factors. A dimension that is split keeps its labels on one factor, and is tied
    along the others, since what is deleted from a tensor must be whole indices of a dimension.
    """
    atoms = _common_factors(before, after)
    if atoms is None:
        flow.freeze(node, dims, "a reshape that mixes these dimensions")
        return (None,) * len(after)
    factor_labels: list[Vector] = []
    position = 0
    for vector, size in zip(dims, before, strict=True):
        parts, position = _take(atoms, position, size)
        factor_labels += split_evenly(flow, node, vector, parts)
    result: list[Vector] = []
    position = 0
    for size in after:
        parts, end = _take(atoms, position, size)
        result.append(_merge(flow, node, factor_labels[position:end], parts))
        position = end
    return tuple(result)


def _common_factors(before: Sequence[int], after: Sequence[int]) -> list[int] | None:
    """The finest factors, in order, of which both shapes are products; ``None`` where there are none."""
    if math.prod(before) != math.prod(after) or 0 in before:
        return None
    left, right = ([size for size in sizes if size != 1] for sizes in (before, after))
    atoms: list[int] = []
    while left and right:
        first, second = left.pop(0), right.pop(0)
        factor = math.gcd(first, second)
        if factor != min(first, second):
            # (6, 4) -> (4, 6): the boundary of one lies inside a factor of the other
            return None
        atoms.append(factor)
        if first > factor:
            left.insert(0, first // factor)
        if second > factor:
            right.insert(0, second // factor)
    return atoms


def _take(atoms: Sequence[int], position: int, size: int) -> tuple[list[int], int]:
    parts: list[int] = []
    while math.prod(parts) < size:
        parts.append(atoms[position])
        position += 1
    return parts, position


def split_evenly(flow: Flow, node: fx.Node, vector: Vector, parts: Sequence[int]) -> list[Vector]:
    if vector is None or len(parts) < 2:
        return [vector] * len(parts)
    grid = flow.labels.find(vector).reshape(parts)
    varying = [axis for axis in range(len(parts)) if (grid != grid.take([0], axis)).any()]
    carrier = max(varying or range(len(parts)), key=lambda axis: (parts[axis], axis))
    rows = np.moveaxis(grid, carrier, -1).reshape(-1, parts[carrier])
    labels: Vector = rows[0]
    for row in rows[1:]:
        if not np.array_equal(labels, row):
            labels = flow.tie(node, labels, row, "a reshape splits these channels evenly")
    return [labels if axis == carrier else None for axis in range(len(parts))]


def _merge(flow: Flow, node: fx.Node, vectors: Sequence[Vector], parts: Sequence[int]) -> Vector:
    labelled = [axis for axis, vector in enumerate(vectors) if vector is not None]
    if not labelled:
        return None
    keep = max(labelled, key=lambda axis: parts[axis])
    for axis in labelled:
        if axis != keep:
            flow.freeze(node, vectors[axis], "a reshape merges these channels with others")
    return np.tile(np.repeat(vectors[keep], math.prod(parts[keep + 1 :])), math.prod(parts[:keep]))


@rule("permute")
def _permute(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = flow.of(args["self"])
    return tuple(dims[axis] for axis in args["dims"])


@rule("transpose", "swapaxes", "swapdims")
def _transpose(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = list(flow.of(args["self"]))
    first, second = [value for value in args.values() if isinstance(value, int)][:2]
    dims[first], dims[second] = dims[second], dims[first]
    return tuple(dims)


@rule("t", "numpy_T", "mT", "adjoint")
def _t(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = flow.of(args["self"])
    return (*dims[:-2], *reversed(dims[-2:]))


@rule("movedim")
def _movedim(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = flow.of(args["self"])
    source, destination = (
        [axes] if isinstance(axes, int) else list(axes) for axes in (args["source"], args["destination"])
    )
    order = {to % len(dims): origin % len(dims) for to, origin in zip(destination, source, strict=True)}
    rest = iter(axis for axis in range(len(dims)) if axis not in order.values())
    return tuple(dims[order[axis]] if axis in order else dims[next(rest)] for axis in range(len(dims)))


@rule("unsqueeze")
def _unsqueeze(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = list(flow.of(args["self"]))
    dims.insert(args["dim"] % (len(dims) + 1), None)
    return tuple(dims)


@rule("squeeze")
def _squeeze(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims, sizes = flow.of(args["self"]), shape(args["self"])
    axes = args.get("dim", list(range(len(dims))))
    axes = {axis % len(dims) for axis in ([axes] if isinstance(axes, int) else axes)}
    return tuple(vector for axis, vector in enumerate(dims) if axis not in axes or sizes[axis] != 1)


@rule("expand", "broadcast_to", "expand_as")
def _expand(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims, before, after = list(flow.of(args["self"])), list(shape(args["self"])), shape(node)
    padding = len(after) - len(dims)
    dims, before = [None] * padding + dims, [1] * padding + before
    result = tuple(
        flow.labels.fresh(new) if old == 1 and new > 1 else vector
        for vector, old, new in zip(dims, before, after, strict=True)
    )
    flow.size_slots[node] = _slots(args.get("size", ()), result)
    return result


@rule("repeat", "tile")
def _repeat(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = list(flow.of(args["self"]))
    dims = [None] * (len(shape(node)) - len(dims)) + dims
    repeats = args.get("repeats", args.get("dims"))
    repeats = [1] * (len(dims) - len(repeats)) + list(repeats)
    return tuple(
        None if vector is None else np.tile(vector, count) for vector, count in zip(dims, repeats, strict=True)
    )


@rule("zeros", "ones", "empty", "full", "new_zeros", "new_ones", "new_empty", "new_full")
def _create(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    """A tensor that can be made at any size takes the labels of what it meets."""
    dims = tuple(flow.labels.fresh(size) for size in shape(node))
    flow.size_slots[node] = _slots(args["size"], dims)
    return dims
