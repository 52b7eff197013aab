"""Rules for operations that reshape, move and create dimensions without calculating."""

from __future__ import annotations

import math

import numpy as np
from torch import fx

from .dimensions import broadcast, reshape, size_slots
from .flow import Arguments, Dims, Flow, Labelled, Rule, Rules, shape
from .labels import Vector


def _view(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    source = args["self"]
    dims = reshape(flow, node, flow.of(source), shape(source), shape(node))
    stated = args.get("size", args.get("shape"))
    if stated is not None:
        flow.size_slots[node] = size_slots(stated, dims)
    elif "sizes" in args:
        flow.size_slots[node] = size_slots(args["sizes"], dims[args["dim"] % len(shape(source)) :])
    return dims


def _permute(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = flow.of(args["self"])
    return tuple(dims[axis] for axis in args["dims"])


def _transpose(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = list(flow.of(args["self"]))
    first, second = [value for value in args.values() if isinstance(value, int)][:2]
    dims[first], dims[second] = dims[second], dims[first]
    return tuple(dims)


def _transpose_last(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = flow.of(args["self"])
    return (*dims[:-2], *reversed(dims[-2:]))


def _movedim(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = flow.of(args["self"])
    source, destination = (
        [axes] if isinstance(axes, int) else list(axes) for axes in (args["source"], args["destination"])
    )
    order = {to % len(dims): origin % len(dims) for to, origin in zip(destination, source, strict=True)}
    rest = iter(axis for axis in range(len(dims)) if axis not in order.values())
    return tuple(dims[order[axis]] if axis in order else dims[next(rest)] for axis in range(len(dims)))


def _unsqueeze(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = list(flow.of(args["self"]))
    dims.insert(args["dim"] % (len(dims) + 1), None)
    return tuple(dims)


def _squeeze(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims, sizes = flow.of(args["self"]), shape(args["self"])
    axes = args.get("dim", list(range(len(dims))))
    axes = {axis % len(dims) for axis in ([axes] if isinstance(axes, int) else axes)}
    return tuple(vector for axis, vector in enumerate(dims) if axis not in axes or sizes[axis] != 1)


def _view_as(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    """A reshape to the size of another tensor, whose dimensions therefore lose the same indices."""
    dims = _view(flow, node, {"self": args["self"]})
    return tuple(
        flow.tie(node, first, second, "a reshape to the size of another tensor")
        for first, second in zip(dims, flow.of(args["other"]), strict=True)
    )


def _expand_as(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    """An expansion to the size of another tensor, from which new indices have their number."""
    others = flow.of(args["other"])
    dims, sizes = _with_rank(flow.of(args["self"]), len(others)), shape(args["self"])
    sizes = (1,) * (len(others) - len(sizes)) + sizes
    return tuple(
        other if size == 1 else flow.tie(node, vector, other, "an expansion to the size of another tensor")
        for vector, other, size in zip(dims, others, sizes, strict=True)
    )


def _broadcast_tensors(flow: Flow, node: fx.Node, args: Arguments) -> list[Labelled]:
    tensors = args["tensors"]
    shapes = [shape(tensor) for tensor in tensors]
    dims = broadcast(flow, node, [flow.of(tensor) for tensor in tensors], shapes, "tensors of one size")
    return [dims] * len(tensors)


def _meshgrid(flow: Flow, node: fx.Node, args: Arguments) -> list[Labelled]:
    dims = [flow.of(tensor)[0] if shape(tensor) else None for tensor in args["tensors"]]
    if args.get("indexing") == "xy" and len(dims) > 1:
        dims[:2] = dims[1::-1]
    return [tuple(dims)] * len(dims)


def _at_least(rank: int) -> Rule:
    def keep(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
        return flow.of(args["self"]) if len(shape(args["self"])) >= rank else None

    return keep


def _repeat_interleave(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    """Every index several times, each beside its copies."""
    if not isinstance(args.get("self"), fx.Node):
        return None
    dims = list(flow.of(args["self"]))
    axis = args["dim"]
    if axis is None:  # the tensor is flattened first
        dims = list(reshape(flow, node, tuple(dims), shape(args["self"]), (math.prod(shape(args["self"])),)))
        axis = 0
    vector = dims[axis]
    if vector is not None and not isinstance(args["repeats"], int):
        flow.freeze(node, vector, "indices are repeated a different number of times")
        vector = None
    dims[axis] = None if vector is None else np.repeat(vector, args["repeats"])
    return tuple(dims)


def _expand(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    after = shape(node)
    dims, before = _with_rank(flow.of(args["self"]), len(after)), shape(args["self"])
    before = (1,) * (len(after) - len(before)) + before
    result = tuple(
        flow.labels.fresh(new) if old == 1 and new > 1 else vector
        for vector, old, new in zip(dims, before, after, strict=True)
    )
    flow.size_slots[node] = size_slots(args.get("size", ()), result)
    return result


def _repeat(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = _with_rank(flow.of(args["self"]), len(shape(node)))
    repeats = list(args["repeats"] if "repeats" in args else args["dims"])
    repeats = [1] * (len(dims) - len(repeats)) + repeats
    return tuple(
        None if vector is None else np.tile(vector, count) for vector, count in zip(dims, repeats, strict=True)
    )


def _with_rank(dims: Dims, rank: int) -> list[Vector]:
    """Dimensions with new leading ones, as many as a broadcast to this rank adds."""
    return [*((None,) * (rank - len(dims))), *dims]


def _create(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    """A tensor that can be made at any size gets labels of its own, which later operations tie to others."""
    dims = tuple(flow.labels.fresh(size) for size in shape(node))
    flow.size_slots[node] = size_slots(args["size"], dims)
    return dims


RULES: Rules = {
    **dict.fromkeys("view reshape _unsafe_view _reshape_alias flatten ravel unflatten".split(), _view),
    **dict.fromkeys("view_as reshape_as".split(), _view_as),
    "permute": _permute,
    **dict.fromkeys("transpose swapaxes swapdims".split(), _transpose),
    **dict.fromkeys("t numpy_T mT mH matrix_H adjoint".split(), _transpose_last),
    **dict.fromkeys("movedim moveaxis".split(), _movedim),
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    **dict.fromkeys("expand broadcast_to".split(), _expand),
    "expand_as": _expand_as,
    "broadcast_tensors": _broadcast_tensors,
    "meshgrid": _meshgrid,
    **{f"atleast_{rank}d": _at_least(rank) for rank in (1, 2, 3)},
    **dict.fromkeys("repeat tile".split(), _repeat),
    "repeat_interleave": _repeat_interleave,
    **dict.fromkeys("zeros ones empty full new_zeros new_ones new_empty new_full".split(), _create),
}
