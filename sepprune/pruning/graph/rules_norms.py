"""Rules for norms. In the masked model, statistics over channels are statistics over the kept channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from .dimensions import reshape
from .flow import Arguments, Dims, Flow, Labelled, Masked, Rules, Site, shape
from .masking import along, moments


def _batch_norm(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = list(flow.of(args["input"]))
    for name in ("weight", "bias", "running_mean", "running_var"):
        if args.get(name) is not None:
            dims[1] = flow.tie(node, dims[1], flow.of(args[name])[0], "a norm a channel")
    if args.get("use_input_stats", args.get("training")):
        flow.freeze(node, dims[2:], "statistics over this dimension")
    return tuple(dims)


def _layer_norm(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = list(flow.of(args["input"]))
    rank = len(args["normalized_shape"])
    for name in ("weight", "bias"):
        if args.get(name) is not None:
            dims[-rank:] = [
                flow.tie(node, vector, other, "scales of a norm")
                for vector, other in zip(dims[-rank:], flow.of(args[name]), strict=True)
            ]
    flow.size_slots[node] = list(zip(args["normalized_shape"], dims[-rank:], strict=True))
    labelled = [axis for axis in range(-rank, 0) if dims[axis] is not None]
    if labelled:
        centred = str(node.target).startswith("aten.layer_norm")  # an RMS norm subtracts no mean
        flow.sites[node] = Site(tuple(dims[axis] for axis in labelled), _run_layer_norm(rank, labelled, centred))
    return tuple(dims)


def _run_layer_norm(rank: int, labelled: Sequence[int], centred: bool) -> Masked:
    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        data, eps = arguments["input"], arguments["eps"]
        mean, variance = moments(data, range(-rank, 0), labelled, masks, 0, centred)
        eps = torch.finfo(data.dtype).eps if eps is None else eps
        result = ((data - mean) if centred else data) * (variance + eps).rsqrt()
        result = result if arguments["weight"] is None else result * arguments["weight"]
        return result if arguments.get("bias") is None else result + arguments["bias"]

    return run


def _group_norm(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims, groups = list(flow.of(args["input"])), args["num_groups"]
    channels = shape(node)[1]
    for name in ("weight", "bias"):
        if args[name] is not None:
            dims[1] = flow.tie(node, dims[1], flow.of(args[name])[0], "scales of a norm")
    grid = None if dims[1] is None else flow.labels.find(dims[1]).reshape(groups, -1)
    # where the channels of every group are tied already, by a grouped convolution, whole groups are dropped
    whole = grid is not None and groups > 1 and bool((grid == grid[:, :1]).all())
    flow.size_slots[node] = [(groups, grid[:, 0] if grid is not None and whole else None)]
    flow.freeze(node, dims[2:], "statistics over this dimension")
    if whole or groups == channels or dims[1] is None:
        return (*dims[:2], *((None,) * (len(dims) - 2)))
    outer, inner = reshape(flow, node, (dims[1],), (channels,), (groups, channels // groups))
    if outer is not None:
        flow.freeze(node, outer, "the number of groups of a norm")
    if inner is not None:
        flow.sites[node] = Site((inner,), _run_group_norm(groups))
    return (dims[0], None if inner is None else np.tile(inner, groups), *((None,) * (len(dims) - 2)))


def _run_group_norm(groups: int) -> Masked:
    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        data = arguments["input"]
        grouped = data.unflatten(1, (groups, -1))
        mean, variance = moments(grouped, range(2, grouped.dim()), [2], masks, 0, True)
        result = ((grouped - mean) * (variance + arguments["eps"]).rsqrt()).flatten(1, 2)
        result = result if arguments["weight"] is None else result * along(arguments["weight"], data, 1)
        return result if arguments["bias"] is None else result + along(arguments["bias"], data, 1)

    return run


def _weight_norm(flow: Flow, node: fx.Node, args: Arguments) -> Labelled:
    """A weight as length ``g`` and direction ``v``, of which the length is over all dimensions but one."""
    direction, length = flow.of(args["v"]), flow.of(args["g"])
    dims = list(direction)
    axis = args["dim"] % len(dims)
    dims[axis] = flow.tie(node, dims[axis], length[axis], "length and direction of a weight")
    labelled = [index for index, vector in enumerate(dims) if index != axis and vector is not None]
    if labelled:
        flow.sites[node] = Site(tuple(dims[index] for index in labelled), _run_weight_norm(axis, labelled))
    several = isinstance(node.meta["val"], (tuple, list))
    norms = tuple(vector if index == axis else None for index, vector in enumerate(dims))
    return [tuple(dims), norms] if several else tuple(dims)


def _run_weight_norm(axis: int, labelled: Sequence[int]) -> Masked:
    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        kept = arguments["v"]
        for index, mask in zip(labelled, masks, strict=True):
            kept = kept * along(mask, kept, index)
        others = [index for index in range(kept.dim()) if index != axis]
        # without any channel the length is zero, and the result is not used, but must be finite
        norm = kept.square().sum(others, keepdim=True).clamp(min=1e-30).sqrt()
        weight = arguments["v"] * (arguments["g"] / norm)
        return (weight, norm) if "interface" in str(target) else weight

    return run


def _norm_except_dim(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = flow.of(args["v"])
    labelled = [index for index, vector in enumerate(dims) if index != args["dim"] % len(dims) and vector is not None]

    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        kept = arguments["v"]
        for index, mask in zip(labelled, masks, strict=True):
            kept = kept * along(mask, kept, index)
        return target(**(arguments | {"v": kept}))

    if labelled:
        flow.sites[node] = Site(tuple(dims[index] for index in labelled), run)
    return tuple(vector if index == args["dim"] % len(dims) else None for index, vector in enumerate(dims))


RULES: Rules = {
    **dict.fromkeys(
        "batch_norm instance_norm native_batch_norm _native_batch_norm_legit_no_training".split(), _batch_norm
    ),
    **dict.fromkeys("layer_norm rms_norm".split(), _layer_norm),
    "group_norm": _group_norm,
    "norm_except_dim": _norm_except_dim,
    **dict.fromkeys("_weight_norm _weight_norm_interface".split(), _weight_norm),
}
