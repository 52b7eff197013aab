"""Rules for operations that join tensors, split them, and take slices or single indices of them."""

from __future__ import annotations

import numpy as np
from torch import fx

from ..arrays import Ints
from .flow import Arguments, Dims, Flow, Labelled, Rule, Rules, shape
from .labels import FIXED, Vector


def _cat(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
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


def _stack(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    tensors = args["tensors"]
    result = list(flow.of(tensors[0]))
    for tensor in tensors[1:]:
        result = [
            flow.tie(node, first, second, "tensors that are stacked")
            for first, second in zip(result, flow.of(tensor), strict=True)
        ]
    result.insert(args["dim"] % (len(result) + 1), None)
    return tuple(result)


def _split(flow: Flow, node: fx.Node, args: Arguments) -> list[Labelled]:
    source = args["self"]
    dims, axis = flow.of(source), args["dim"] % len(shape(source))
    widths: list[int] = [part.shape[axis] for part in node.meta["val"]]
    vector = dims[axis]
    if vector is None:
        return [dims] * len(widths)
    starts = np.cumsum([0, *widths]).tolist()
    sizes = args.get("split_size", args.get("split_sizes"))
    if not isinstance(sizes, (list, tuple)):  # pieces of one width: they must stay equally wide
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


def _getitem(flow: Flow, node: fx.Node, args: Arguments) -> Labelled | None:
    """One of several outputs of a node."""
    source, index = node.args
    dims = flow.dims[source] if isinstance(source, fx.Node) else ()
    return dims[index] if isinstance(dims, list) and isinstance(index, int) else None


def _slice(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
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


def _slice_slots(args: Arguments, vector: Vector, size: int) -> list[tuple[int, Vector]]:
    """Bounds of a slice state sizes: of the part before them, or, where negative, of the part after them."""
    slots: list[tuple[int, Vector]] = []
    for bound in (args["start"], args["end"]):
        if isinstance(bound, int) and abs(bound) <= size:
            slots.append((bound, None if vector is None else _beside(vector, bound)))
    return slots


def _beside(vector: Ints, bound: int) -> Ints:
    return vector[:bound] if bound >= 0 else vector[bound:]


def _select(flow: Flow, node: fx.Node, args: Arguments) -> Labelled:
    dims = list(flow.of(args["self"]))
    taken = dims.pop(args["dim"] % len(dims))
    flow.freeze(node, taken, "one of these channels is taken out by its number")
    return tuple(dims) if "index" in args else [tuple(dims)] * len(node.meta["val"])


def _stack_along(axis: int) -> Rule:
    """The rule of ``hstack`` and its kind, where the tensors have this dimension."""

    def join(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
        if any(len(shape(tensor)) <= axis for tensor in args["tensors"]):
            return None
        return _cat(flow, node, {**args, "dim": axis})

    return join


def _split_along(axis: int) -> Rule:
    def split(flow: Flow, node: fx.Node, args: Arguments) -> list[Labelled]:
        return _split(flow, node, {**args, "dim": axis})

    return split


RULES: Rules = {
    **dict.fromkeys("cat concat concatenate".split(), _cat),
    "stack": _stack,
    **dict.fromkeys(
        "chunk split split_with_sizes unsafe_split unsafe_split_with_sizes unsafe_chunk tensor_split".split(), _split
    ),
    "getitem": _getitem,
    **dict.fromkeys("slice narrow".split(), _slice),
    **dict.fromkeys("select unbind".split(), _select),
    "hstack": _stack_along(1),
    "column_stack": _stack_along(1),
    "vstack": _stack_along(0),
    "row_stack": _stack_along(0),
    "dstack": _stack_along(2),
    "hsplit": _split_along(1),
    "vsplit": _split_along(0),
    "dsplit": _split_along(2),
}
