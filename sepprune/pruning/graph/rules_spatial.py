"""Rules for operations along time and frequency: padding, windows, pooling, interpolation."""

from __future__ import annotations

import math

import numpy as np
from torch import fx

from .dimensions import split_evenly
from .flow import Arguments, Dims, Flow, Labelled, Rules, shape
from .labels import Vector


def _pad(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = list(flow.of(args["self"]))
    pad = args["pad"] if "pad" in args else args["padding"]
    for index in range(len(pad) // 2):
        axis, before, after = len(dims) - 1 - index, pad[2 * index], pad[2 * index + 1]
        if (before or after) and dims[axis] is not None:
            flow.freeze(node, dims[axis], "padding adds to these channels")
            dims[axis] = None
    return tuple(dims)


def _im2col(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = flow.of(args["self"])
    flow.freeze(node, dims[-2:], "windows run along this dimension")
    taps = math.prod(args["kernel_size"])
    channels = dims[-3]
    return (*dims[:-3], None if channels is None else np.repeat(channels, taps), None)


def _col2im(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims, sizes = flow.of(args["self"]), shape(args["self"])
    flow.freeze(node, dims[-1], "windows run along this dimension")
    taps = math.prod(args["kernel_size"])
    channels, _ = split_evenly(flow, node, dims[-2], (sizes[-2] // taps, taps)) if taps > 1 else (dims[-2], None)
    return (*dims[:-2], channels, None, None)


def _resample(flow: Flow, node: fx.Node, args: Arguments) -> Labelled:
    """Pooling and interpolation: every channel on its own."""
    dims = flow.of(args["self"] if "self" in args else args["input"])
    value = node.meta["val"]
    spatial = next(rank for rank in (1, 2, 3) if f"{rank}d" in str(node.target))
    flow.freeze(node, dims[-spatial:], "resampling runs along this dimension")
    result = (*dims[:-spatial], *((None,) * spatial))
    return [result] * len(value) if isinstance(value, (tuple, list)) else result


def _pixel_shuffle(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    """Channels become finer positions: the channels of one output channel go together."""
    dims, factor = flow.of(args["self"]), args["upscale_factor"] ** 2
    flow.freeze(node, dims[-2:], "positions are refined along this dimension")
    channels = dims[-3]
    if channels is not None:
        columns = channels.reshape(-1, factor)
        first: Vector = columns[:, 0] if len(columns) > 1 else None
        for column in range(1, factor):
            first = flow.tie(node, first, columns[:, column], "channels of one output channel of a pixel shuffle")
        channels = first
    return (*dims[:-3], channels, None, None)


def _pixel_unshuffle(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = flow.of(args["self"])
    flow.freeze(node, dims[-2:], "positions become channels along this dimension")
    channels = None if dims[-3] is None else np.repeat(dims[-3], args["downscale_factor"] ** 2)
    return (*dims[:-3], channels, None, None)


def _channel_shuffle(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    """The channels of all groups take turns, so every group loses the same channels, or whole groups go."""
    dims, groups = list(flow.of(args["self"])), args["groups"]
    if dims[1] is not None:
        rows = flow.labels.find(dims[1]).reshape(groups, -1)
        if (rows == rows[:, :1]).all():
            flow.size_slots[node] = [(groups, rows[:, 0])]
            dims[1] = rows.T.reshape(-1)
            return tuple(dims)
        first: Vector = rows[0] if rows.shape[1] > 1 else None
        for row in rows[1:]:
            first = flow.tie(node, first, row, "groups of a channel shuffle have one width")
        dims[1] = None if first is None else np.repeat(first, groups)
    return tuple(dims)


def _max_unpool(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    spatial = 3 if "3d" in str(node.target) else 2
    dims = [
        flow.tie(node, first, second, "values and their positions")
        for first, second in zip(flow.of(args["self"]), flow.of(args["indices"]), strict=True)
    ]
    flow.freeze(node, dims[-spatial:], "resampling runs along this dimension")
    return (*dims[:-spatial], *((None,) * spatial))


_RESAMPLING = (
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_linear1d upsample_bilinear2d "
    "upsample_bicubic2d upsample_trilinear3d "
    "_upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_bilinear2d_aa "
    "max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices "
    "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d "
    "_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d "
    "max_pool3d_with_indices _upsample_bicubic2d_aa _upsample_lanczos2d_aa _upsample_nearest_exact3d"
)

RULES: Rules = {
    **dict.fromkeys(
        "pad constant_pad_nd _pad_circular _pad_enum reflection_pad1d reflection_pad2d reflection_pad3d "
        "replication_pad1d replication_pad2d replication_pad3d".split(),
        _pad,
    ),
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    **dict.fromkeys("channel_shuffle native_channel_shuffle".split(), _channel_shuffle),
    **dict.fromkeys("max_unpool2d max_unpool3d".split(), _max_unpool),
    "im2col": _im2col,
    "col2im": _col2im,
    **dict.fromkeys(_RESAMPLING.split(), _resample),
}
