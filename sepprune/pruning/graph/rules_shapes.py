"""Rules for operations that reshape, move and create dimensions without calculating."""

from __future__ import annotations

import numpy as np
from torch import fx

from .dimensions import reshape, size_slots
from .flow import Arguments, Dims, Flow, Rules, shape
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
    **dict.fromkeys("view reshape _unsafe_view flatten unflatten view_as reshape_as".split(), _view),
    "permute": _permute,
    **dict.fromkeys("transpose swapaxes swapdims".split(), _transpose),
    **dict.fromkeys("t numpy_T mT adjoint".split(), _transpose_last),
    "movedim": _movedim,
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    **dict.fromkeys("expand broadcast_to expand_as".split(), _expand),
    **dict.fromkeys("repeat tile".split(), _repeat),
    **dict.fromkeys("zeros ones empty full new_zeros new_ones new_empty new_full".split(), _create),
}
