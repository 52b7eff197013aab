"""Rules for operations that read or write at positions: gathering, scattering, sorting, flipping, transforms.

The dimension along which positions are counted keeps all of its indices; the other dimensions stay free.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import fx

from .dimensions import broadcast
from .flow import Arguments, Dims, Flow, Labelled, Rule, Rules, shape
from .labels import Vector

_POSITIONS = "positions along this dimension are counted"


def _along(flow: Flow, node: fx.Node, args: Arguments) -> Labelled | None:
    """Operations along one or several dimensions, where the order or the number of indices matters."""
    dims = list(flow.of(args["self"]))
    axes = args.get("dim", args.get("dimension", args.get("dims")))
    if axes is None:
        return None
    for axis in [axes] if isinstance(axes, int) else axes:
        flow.block(node, args["self"], [dims[axis]], "an operation runs along this dimension")
        dims[axis] = None
    value = node.meta["val"]
    several = isinstance(value, (tuple, list))
    rank = value[0].dim() if several else value.dim()
    dims += [None] * (rank - len(dims))  # unfold adds a dimension
    if len(dims) != rank:
        return None
    return [tuple(dims)] * len(value) if several else tuple(dims)


def _at(axis: int) -> Rule:
    """The rule of an operation that always runs along this dimension."""

    def along(flow: Flow, node: fx.Node, args: Arguments) -> Labelled | None:
        return _along(flow, node, {**args, "dim": axis})

    return along


def _matrix(flow: Flow, node: fx.Node, args: Arguments) -> Labelled | None:
    """Operations on the last two dimensions, such as ``tril``."""
    return _along(flow, node, {**args, "dim": [-2, -1]})


def _gather(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    """Entries at positions along one dimension; the index has the other dimensions of the data."""
    index = args["index"] if "index" in args else args["indices"]
    if not isinstance(args["dim"], int):
        return None
    data_dims, index_dims = list(flow.of(args["self"])), list(flow.of(index))
    axis = args["dim"] % len(data_dims)
    flow.freeze(node, data_dims[axis], _POSITIONS)
    sizes, taken = shape(args["self"]), shape(index)
    for other in range(len(data_dims)):
        if other == axis:
            data_dims[other] = None
        elif sizes[other] == taken[other]:
            data_dims[other] = flow.tie(node, data_dims[other], index_dims[other], "an index has these channels")
        elif "indices" in args and 1 in (sizes[other], taken[other]):  # take_along_dim broadcasts
            data_dims[other] = index_dims[other] if sizes[other] == 1 else data_dims[other]
        else:
            flow.freeze(node, [data_dims[other], index_dims[other]], "an index reads some of these channels")
            data_dims[other] = None
    return (*data_dims[:axis], index_dims[axis], *data_dims[axis + 1 :])


def _scatter(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    """Entries that are written at positions along one dimension."""
    dims = list(flow.of(args["self"]))
    axis = args["dim"] % len(dims)
    flow.freeze(node, dims[axis], _POSITIONS)
    sizes = shape(args["self"])
    for name in ("index", "src", "source"):
        written = args.get(name)
        if not isinstance(written, fx.Node) or (name == "index" and len(shape(written)) < len(dims)):
            continue
        other_dims, other_sizes = _with_axis(flow, written, axis, len(dims))
        flow.freeze(node, other_dims[axis], _POSITIONS)
        for other, vector in enumerate(other_dims):
            if other == axis:
                continue
            if sizes[other] == other_sizes[other]:
                dims[other] = flow.tie(node, dims[other], vector, "entries that are written to these channels")
            else:
                flow.freeze(node, [dims[other], vector], "some of these channels are written")
                dims[other] = None
    dims[axis] = None
    return tuple(dims)


def _with_axis(flow: Flow, written: fx.Node, axis: int, rank: int) -> tuple[list[Vector], list[int]]:
    """Labels and sizes of a source, with the axis that the source of ``select_scatter`` does not have."""
    dims, sizes = list(flow.of(written)), list(shape(written))
    if len(dims) == rank - 1:
        dims.insert(axis, None)
        sizes.insert(axis, 1)
    return dims, sizes


def _index(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    """``x[:, positions]``: dimensions that are indexed by tensors make place for those of the tensors."""
    return _indexed(flow, node, args["self"], args["indices"])


def _indexed(flow: Flow, node: fx.Node, data: fx.Node, indices: Sequence[Any]) -> Dims | None:
    dims = list(flow.of(data))
    axes = [axis for axis, index in enumerate(indices) if isinstance(index, fx.Node)]
    tensors = [indices[axis] for axis in axes]
    if not tensors or any(tensor.meta["val"].dtype in (torch.bool, torch.uint8) for tensor in tensors):
        return None
    for axis in axes:
        flow.freeze(node, dims[axis], _POSITIONS)
    shapes = [shape(tensor) for tensor in tensors]
    positions = broadcast(flow, node, [flow.of(tensor) for tensor in tensors], shapes, "indices that go together")
    first = axes[0] if axes == list(range(axes[0], axes[-1] + 1)) else 0
    rest = [vector for axis, vector in enumerate(dims) if axis not in axes]
    return (*rest[:first], *positions, *rest[first:])


def _index_put(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    """``x[:, positions] = values``."""
    target = _indexed(flow, node, args["self"], args["indices"])
    if target is None:
        return None
    values = flow.of(args["values"])
    for vector, value, size in zip(reversed(target), reversed(values), reversed(shape(args["values"])), strict=False):
        if size > 1:
            flow.tie(node, vector, value, "values that are written to these channels")
    indexed = {axis for axis, index in enumerate(args["indices"]) if isinstance(index, fx.Node)}
    return tuple(None if axis in indexed else vector for axis, vector in enumerate(flow.of(args["self"])))


def _bucketize(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    if not isinstance(args["self"], fx.Node):
        return None
    flow.freeze(node, flow.of(args["boundaries"]), "boundaries of buckets")
    return flow.of(args["self"])


def _embedding(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    rows, columns = flow.of(args["weight"])
    flow.note_channels(node, args["weight"], 1, made=(1,))
    flow.freeze(node, rows, "rows of an embedding are looked up by their number")
    return (*flow.of(args["indices"]), columns)


def _grid_sample(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = flow.of(args["input"])
    flow.freeze(node, [*dims[2:], *flow.of(args["grid"])[1:]], "positions of a grid are sampled")
    return (*dims[:2], *((None,) * (len(dims) - 2)))


_ALONG = (
    "index_select index_fill flip roll rot90 sort topk argsort kthvalue unfold diff cummax cummin cumprod "
    "logcumsumexp trapezoid trapz cumulative_trapezoid "
    "_fft_r2c _fft_c2r _fft_c2c fft_fft fft_ifft fft_rfft fft_irfft fft_hfft fft_ihfft "
    "fft_hfft2 fft_hfftn fft_ihfft2 fft_ihfftn "
    "fft_fft2 fft_ifft2 fft_rfft2 fft_irfft2 fft_fftn fft_ifftn fft_rfftn fft_irfftn fft_fftshift fft_ifftshift"
)

RULES: Rules = {
    **dict.fromkeys(_ALONG.split(), _along),
    **dict.fromkeys("flipud msort".split(), _at(0)),
    "fliplr": _at(1),
    **dict.fromkeys("tril triu".split(), _matrix),
    **dict.fromkeys("gather take_along_dim".split(), _gather),
    **dict.fromkeys(
        "scatter scatter_add scatter_reduce index_add index_copy index_reduce slice_scatter select_scatter".split(),
        _scatter,
    ),
    **dict.fromkeys("index _unsafe_index".split(), _index),
    **dict.fromkeys("index_put _unsafe_index_put _index_put_impl".split(), _index_put),
    "bucketize": _bucketize,
    "embedding": _embedding,
    **dict.fromkeys("grid_sampler grid_sampler_2d grid_sampler_3d".split(), _grid_sample),
}
