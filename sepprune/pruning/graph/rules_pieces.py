"""Rules for operations that join tensors, cut them, and pick from them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import fx

from .flow import Dims, Flow, rule, shape
from .labels import FIXED, Vector
from .rules_shapes import split_evenly


@rule("cat", "concat")
def _cat(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    tensors = [tensor for tensor in args["tensors"] if shape(tensor) != (0,)]
    axis = args["dim"] % len(shape(node))
    result = list(flow.of(tensors[0]))
    for tensor in tensors[1:]:
        for index, vector in enumerate(flow.of(tensor)):
            if index != axis:
                result[index] = flow.tie(node, result[index], vector, "tensors that are concatenated")
    joined = [flow.of(tensor)[axis] for tensor in tensors]
    if any(vector is not None for vector in joined):
        result[axis] = np.concatenate(
            [
                np.full(shape(tensor)[axis], FIXED) if vector is None else vector
                for tensor, vector in zip(tensors, joined, strict=True)
            ]
        )
    else:
        result[axis] = None
    return tuple(result)


@rule("stack")
def _stack(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    tensors = args["tensors"]
    result = list(flow.of(tensors[0]))
    for tensor in tensors[1:]:
        result = [
            flow.tie(node, first, second, "tensors that are stacked")
            for first, second in zip(result, flow.of(tensor), strict=True)
        ]
    result.insert(args["dim"] % (len(result) + 1), None)
    return tuple(result)


@rule("chunk", "split", "split_with_sizes", "unsafe_split", "unsafe_chunk", "tensor_split")
def _split_rule(flow: Flow, node: fx.Node, args: dict[str, Any]) -> list[Dims]:
    source = args["self"]
    dims, axis = flow.of(source), args["dim"] % len(shape(source))
    widths = [part.shape[axis] for part in node.meta["val"]]
    vector = dims[axis]
    if vector is None:
        return [dims] * len(widths)
    starts = np.cumsum([0, *widths])
    sizes = args.get("split_size", args.get("split_sizes"))
    if not isinstance(sizes, (list, tuple)):  # pieces of one width: they must go on having one
        if len(set(widths)) > 1:
            flow.freeze(node, vector, "a split into pieces of different widths")
            return [(*dims[:axis], None, *dims[axis + 1 :])] * len(widths)
        for start in starts[1:-1]:
            flow.tie(node, vector[: widths[0]], vector[start : start + widths[0]], "pieces of a split have one width")
        if isinstance(sizes, int):
            flow.size_slots[node] = [(sizes, vector[: widths[0]])]
    else:
        flow.size_slots[node] = [
            (width, vector[start : start + width]) for start, width in zip(starts, widths, strict=False)
        ]
    parts = [vector[start : start + width] for start, width in zip(starts, widths, strict=False)]
    for part in parts:
        if len(part) == 1:
            flow.freeze(node, part, "a single channel is taken out")
    return [(*dims[:axis], part if len(part) > 1 else None, *dims[axis + 1 :]) for part in parts]


@rule("getitem")
def _getitem(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Any:
    source, index = node.args
    dims = flow.dims[source]
    return dims[index] if isinstance(dims, list) and isinstance(index, int) else None


@rule("slice", "narrow")
def _slice(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    source = args["self"]
    dims, sizes = list(flow.of(source)), shape(source)
    axis = args["dim"] % len(dims)
    size, vector = sizes[axis], dims[axis]
    if "length" in args:
        start, stop, step = args["start"] % size, args["start"] % size + args["length"], 1
        flow.size_slots[node] = [
            (args["start"], None if vector is None else vector[:start]),
            (args["length"], None if vector is None else vector[start:stop]),
        ]
    else:
        start, stop, step = slice(args["start"], args["end"], args["step"]).indices(size)
        flow.size_slots[node] = _slice_slots(args, vector, size)
    if vector is None or (start, stop, step) == (0, size, 1):
        return tuple(dims)
    length = stop - start
    if step != 1 or length < 2:
        flow.freeze(node, vector, "a slice takes some of these channels")
        dims[axis] = None
        return tuple(dims)
    if size % length == 0 and start % length == 0:  # a piece of an even split
        for other in range(0, size, length):
            flow.tie(node, vector[start:stop], vector[other : other + length], "pieces of a split have one width")
    dims[axis] = vector[start:stop]
    return tuple(dims)


def _slice_slots(args: dict[str, Any], vector: Vector, size: int) -> list[tuple[int, Vector]]:
    """Bounds of a slice state sizes: of what lies before them, or, where negative, of what lies after."""
    slots = []
    for bound in (args["start"], args["end"]):
        if isinstance(bound, int) and abs(bound) <= size:
            slots.append((bound, None if vector is None else vector[:bound] if bound >= 0 else vector[bound:]))
    return slots


@rule("select", "unbind")
def _select(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Any:
    dims = list(flow.of(args["self"]))
    taken = dims.pop(args["dim"] % len(dims))
    flow.freeze(node, taken, "one of these channels is taken out by its number")
    return tuple(dims) if "index" in args else [tuple(dims)] * len(node.meta["val"])


@rule(
    "index_select",
    "gather",
    "index",
    "flip",
    "roll",
    "sort",
    "topk",
    "argsort",
    "scatter",
    "index_add",
    "unfold",
    "diff",
    "_fft_r2c",
    "_fft_c2r",
    "_fft_c2c",
    "fft_rfft",
    "fft_irfft",
    "cummax",
    "cumprod",
)
def _along(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Any:
    """Operations along one dimension, in which order or number matters; the others pass."""
    source = args["self"]
    dims = list(flow.of(source))
    axes = args.get("dim", args.get("dimension", args.get("dims")))
    if axes is None or isinstance(node.meta["val"], (tuple, list)):
        return None
    for axis in [axes] if isinstance(axes, int) else axes:
        flow.freeze(node, dims[axis], "an operation runs along this dimension")
        dims[axis] = None
    sizes = shape(node)
    if len(sizes) > len(dims):
        dims += [None] * (len(sizes) - len(dims))
    for name in ("index", "src", "source"):
        if isinstance(args.get(name), fx.Node) and len(shape(args[name])) > 1:
            return None
    return tuple(dims) if len(dims) == len(sizes) else None


@rule("pad", "constant_pad_nd", "reflection_pad1d", "replication_pad1d", "reflection_pad2d", "replication_pad2d")
def _pad(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = list(flow.of(args["self"]))
    pad = args.get("pad", args.get("padding"))
    for index in range(len(pad) // 2):
        axis, before, after = len(dims) - 1 - index, pad[2 * index], pad[2 * index + 1]
        if (before or after) and dims[axis] is not None:
            flow.freeze(node, dims[axis], "padding adds to these channels")
            dims[axis] = None
    return tuple(dims)


@rule("im2col")
def _im2col(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = flow.of(args["self"])
    flow.freeze(node, dims[-2:], "windows run along this dimension")
    taps = math.prod(args["kernel_size"])
    return (*dims[:-3], None if dims[-3] is None else np.repeat(dims[-3], taps), None)


@rule("col2im")
def _col2im(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims, sizes = flow.of(args["self"]), shape(args["self"])
    flow.freeze(node, dims[-1], "windows run along this dimension")
    taps = math.prod(args["kernel_size"])
    channels, _ = split_evenly(flow, node, dims[-2], (sizes[-2] // taps, taps)) if taps > 1 else (dims[-2], None)
    return (*dims[:-2], channels, None, None)
