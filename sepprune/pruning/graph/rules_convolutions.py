"""Rules for convolutions.

In the masked model the dropped input channels are left out of the sum by setting the weights that read them to zero.
"""

from __future__ import annotations

import math

import numpy as np
from torch import fx

from .flow import Arguments, Dims, Flow, Product, Rules, Site, shape, sizes_of
from .labels import Vector
from .masking import scale
from .sizes import Size


def _convolution(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    data, weight, groups = args["input"], args["weight"], args["groups"]
    transposed = args.get("transposed", "transpose" in str(node.target))
    data_dims, weight_dims = flow.of(data), flow.of(weight)
    channel = len(data_dims) - len(weight_dims) + 1
    flow.freeze(node, weight_dims[2:], "taps of a kernel are not channels")
    flow.block(node, data, data_dims[channel + 1 :], "a convolution runs along this dimension")
    per_group = shape(weight)[1] if not transposed else shape(weight)[0] // groups
    inputs, first, second = data_dims[channel], weight_dims[0], weight_dims[1]
    if groups == 1:
        flow.note_channels(node, weight, 0, 1, made=(int(transposed),))
        contracted, output = (first, second) if transposed else (second, first)
        contracted = flow.tie(node, inputs, contracted, "a convolution sums over these channels")
        if contracted is not None:
            flow.sites[node] = Site((contracted,), scale("weight", 0 if transposed else 1))
    else:
        outputs = shape(node)[channel]
        depthwise = per_group == 1 and not (transposed and second is not None)
        whole = not depthwise and _drops_whole_groups(flow, node, inputs, groups, per_group)
        made = () if whole or depthwise else (int(transposed),)
        flow.note_channels(node, weight, *((0,) if whole else (0, 1)), made=made)
        if whole:
            inner = _whole_groups(flow, node, inputs, first, second, groups)
            output = None if inner is None else np.repeat(inner, outputs // groups)
        else:
            inner = inputs if per_group == 1 else None
            output = _grouped(flow, node, inputs, first, second, groups, per_group, outputs, transposed)
        flow.size_slots[node] = _slots(node, args, inner)
    if args["bias"] is not None:
        output = flow.tie(node, output, flow.of(args["bias"])[0], "the bias of a convolution")
    positions = data if transposed else node
    spatial = math.prod(shape(positions)[channel + 1 :]) * math.prod(shape(node)[:channel])
    flow.products.append(Product(node, spatial, sizes_of(weight, weight_dims)))
    return (*data_dims[:channel], output, *((None,) * (len(data_dims) - channel - 1)))


def _slots(node: fx.Node, args: Arguments, groups: Vector) -> list[tuple[int, Vector]]:
    """Slots of all integers of a convolution, so that a number of groups is not taken for an equal dilation."""
    slots: list[tuple[int, Vector]] = []
    for name in (item.name for item in node.target._schema.arguments if item.name in args):  # type: ignore[union-attr]  # the rule is only for operations
        values = args[name] if isinstance(args[name], (list, tuple)) else [args[name]]
        slots += [(value, groups if name == "groups" else None) for value in values if type(value) is int]
    return slots


def _drops_whole_groups(flow: Flow, node: fx.Node, inputs: Vector, groups: int, per_group: int) -> bool:
    """Whether a grouped convolution loses whole groups, instead of the same channels in every group.

    It does where that leaves more to choose from, unless earlier operations have already tied its channels otherwise,
    or its number of groups is no attribute that can be corrected.
    """
    stated = any(isinstance(size, Size) and size.value == groups for size in flow.trace.sizes.get(node, ()))
    if inputs is None or not stated:
        return False
    grid = flow.labels.find(inputs).reshape(groups, per_group)
    if (grid == grid[:1]).all():
        return False
    return groups > per_group or bool((grid == grid[:, :1]).all())


def _whole_groups(flow: Flow, node: fx.Node, inputs: Vector, first: Vector, second: Vector, groups: int) -> Vector:
    """One label for every group of a grouped convolution: its inputs and outputs are dropped together.

    Args:
        inputs: channels of the data.
        first, second: dimensions 0 and 1 of the weight.
        groups: number of groups.
    """
    why = "a group of a grouped convolution is dropped whole"
    flow.freeze(node, second, why)
    if inputs is None or first is None:
        return flow.tie(node, inputs, first, why)
    columns = [*inputs.reshape(groups, -1).T, *first.reshape(groups, -1).T]
    inner: Vector = columns[0]
    for column in columns[1:]:
        inner = flow.tie(node, inner, column, why)
    return inner


def _grouped(
    flow: Flow,
    node: fx.Node,
    inputs: Vector,
    first: Vector,
    second: Vector,
    groups: int,
    per_group: int,
    outputs: int,
    transposed: bool,
) -> Vector:
    """Output channels of a grouped convolution.

    Depthwise: every group has one input channel and is dropped with it. Otherwise every group loses the same channels.

    Args:
        inputs: channels of the data.
        first, second: dimensions 0 and 1 of the weight.
        groups: number of groups.
        per_group: channels of the data in a group.
        outputs: number of output channels.
        transposed: whether the convolution is transposed.
    """
    each = outputs // groups
    if per_group == 1 and not (transposed and second is not None):
        rows = first if transposed else None if first is None else first.reshape(groups, each)[:, 0]
        rows = flow.tie(node, inputs, rows, "a depthwise convolution keeps channels apart")
        if transposed:
            return rows
        for index in range(1, each):
            flow.tie(
                node,
                rows,
                None if first is None else first.reshape(groups, each)[:, index],
                "outputs of one input of a depthwise convolution",
            )
        return None if rows is None else np.repeat(rows, each)
    inner = _same_in_every_group(flow, node, inputs, groups)
    rows, contracted = (second, first) if transposed else (first, second)
    if transposed:
        contracted = _same_in_every_group(flow, node, contracted, groups)
        outer = rows
    else:
        outer = _same_in_every_group(flow, node, rows, groups)
    inner = flow.tie(node, inner, contracted, "a convolution sums over these channels")
    if inner is not None:
        mask = np.tile(inner, groups) if transposed else inner
        flow.sites[node] = Site((mask,), scale("weight", 0 if transposed else 1))
    return None if outer is None else np.tile(outer, groups)


def _same_in_every_group(flow: Flow, node: fx.Node, vector: Vector, groups: int) -> Vector:
    """Tie the channels of all groups to those of the first group, and return these."""
    if vector is None:
        return None
    rows = vector.reshape(groups, -1)
    first = rows[0] if rows.shape[1] > 1 else None
    for row in rows[0 if first is None else 1 :]:
        first = flow.tie(
            node,
            first,
            row if first is not None or rows.shape[1] == 1 else None,
            "every group of a grouped convolution has the same width",
        )
    return first


_CONVOLUTIONS = "conv1d conv2d conv3d convolution conv_transpose1d conv_transpose2d conv_transpose3d"

RULES: Rules = dict.fromkeys(_CONVOLUTIONS.split(), _convolution)
