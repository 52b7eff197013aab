"""Rules for element-wise operations, norms and statistics.

Statistics over channels are, in the masked model, statistics over the kept channels: that is what the pruned model
will calculate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from .flow import Dims, Flow, Masked, Site, rule, shape
from .labels import Vector
from .rules_products import along, broadcast
from .rules_shapes import reshape


def pointwise(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    """Element by element: operands' channels at equal positions go together."""
    operands = [item for item in node.all_input_nodes if isinstance(item.meta.get("val"), Tensor)]
    return broadcast(
        flow,
        node,
        [flow.of(item) for item in operands],
        [shape(item) for item in operands],
        "operands of an element-wise operation",
    )


rule(
    "contiguous",
    "clone",
    "detach",
    "to",
    "_to_copy",
    "type_as",
    "alias",
    "lift_fresh",
    "lift_fresh_copy",
    "dropout",
    "feature_dropout",
    "alpha_dropout",
    "gelu",
    "complex",
    "polar",
    "where",
    "masked_fill",
    "masked_fill_",
    "copy",
    "fill",
    "zero",
    "real",
    "imag",
    "conj",
    "resolve_conj",
    "resolve_neg",
    "zeros_like",
    "ones_like",
    "full_like",
    "empty_like",
    "detach_copy",
    "float",
    "softplus",
    "silu",
    "mish",
    "hardswish",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "log_sigmoid",
    "logaddexp",
    "rsub",
    "_conj",
    "abs",
    "angle",
    "hardtanh",
    "clamp",
    "rand_like",
    "randn_like",
    "square",
    "_assert_tensor_metadata",
)(pointwise)


@rule("view_as_complex")
def _view_as_complex(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = flow.of(args["self"])
    flow.freeze(node, dims[-1], "real and imaginary part")
    return dims[:-1]


@rule("view_as_real")
def _view_as_real(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    return (*flow.of(args["self"]), None)


@rule("glu")
def _glu(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = list(flow.of(args["self"]))
    axis, half = args["dim"], shape(node)[args["dim"]]
    if dims[axis] is not None:
        dims[axis] = flow.tie(node, dims[axis][:half], dims[axis][half:], "a gate and what it gates")
    return tuple(dims)


@rule("prelu", "_prelu_kernel")
def _prelu(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = list(flow.of(args["self"]))
    slopes = args["weight"]
    if math.prod(shape(slopes)) > 1:
        if len(shape(slopes)) > 1:
            return pointwise(flow, node, args)
        dims[1] = flow.tie(node, dims[1], flow.of(slopes)[0], "a slope a channel")
    return tuple(dims)


@rule("batch_norm", "instance_norm", "native_batch_norm", "_native_batch_norm_legit_no_training")
def _batch_norm(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = list(flow.of(args["input"]))
    for name in ("weight", "bias", "running_mean", "running_var"):
        if args.get(name) is not None:
            dims[1] = flow.tie(node, dims[1], flow.of(args[name])[0], "a norm a channel")
    if args.get("use_input_stats", args.get("training")):
        flow.freeze(node, dims[2:], "statistics over this dimension")
    return tuple(dims)


@rule("layer_norm", "rms_norm")
def _layer_norm(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = list(flow.of(args["input"]))
    rank = len(args["normalized_shape"])
    for name in ("weight", "bias"):
        if args.get(name) is not None:
            dims[-rank:] = [
                flow.tie(node, vector, other, "scales of a norm")
                for vector, other in zip(dims[-rank:], flow.of(args[name]), strict=True)
            ]
    flow.size_slots[node] = list(zip(args["normalized_shape"], dims[-rank:], strict=True))
    centred = str(node.target).startswith("aten.layer_norm")

    def run(target: Any, arguments: dict[str, Any], masks: Sequence[Tensor]) -> Any:
        data, eps = arguments["input"], arguments["eps"]
        mean, variance = _moments(data, list(range(-rank, 0)), labelled_axes, masks, 0, centred)
        eps = torch.finfo(data.dtype).eps if eps is None else eps
        result = ((data - mean) if centred else data) * (variance + eps).rsqrt()
        result = result if arguments["weight"] is None else result * arguments["weight"]
        return result if arguments.get("bias") is None else result + arguments["bias"]

    labelled_axes = [axis for axis in range(-rank, 0) if dims[axis] is not None]
    if labelled_axes:
        flow.sites[node] = Site(tuple(dims[axis] for axis in labelled_axes), run)
    return tuple(dims)


@rule("group_norm")
def _group_norm(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims, groups = list(flow.of(args["input"])), args["num_groups"]
    channels = shape(node)[1]
    for name in ("weight", "bias"):
        if args[name] is not None:
            dims[1] = flow.tie(node, dims[1], flow.of(args[name])[0], "scales of a norm")
    flow.size_slots[node] = [(groups, dims[1] if groups == channels and groups > 1 else None)]
    flow.freeze(node, dims[2:], "statistics over this dimension")
    if groups == channels or dims[1] is None:
        return (*dims[:2], *((None,) * (len(dims) - 2)))
    inner = reshape(flow, node, (dims[1],), (channels,), (groups, channels // groups))
    if inner[0] is not None:
        flow.freeze(node, inner[0], "the number of groups of a norm")
    vector = None if inner[1] is None else np.tile(inner[1], groups)

    def run(target: Any, arguments: dict[str, Any], masks: Sequence[Tensor]) -> Any:
        data = arguments["input"]
        grouped = data.unflatten(1, (groups, -1))
        mean, variance = _moments(grouped, list(range(2, grouped.dim())), [2], masks, 0, True)
        result = ((grouped - mean) * (variance + arguments["eps"]).rsqrt()).flatten(1, 2)
        result = result if arguments["weight"] is None else result * along(arguments["weight"], data, 1)
        return result if arguments["bias"] is None else result + along(arguments["bias"], data, 1)

    if inner[1] is not None:
        flow.sites[node] = Site((inner[1],), run)
    return (dims[0], vector, *((None,) * (len(dims) - 2)))


def _moments(
    data: Tensor, axes: Sequence[int], masked: Sequence[int], masks: Sequence[Tensor], correction: float, centred: bool
) -> tuple[Tensor, Tensor]:
    """Mean and variance over ``axes``, of what the masks keep along the ``masked`` ones."""
    weight = data.new_ones(())
    count: Any = math.prod(data.shape[axis] for axis in axes)
    for axis, mask in zip(masked, masks, strict=True):
        weight = weight * along(mask, data, axis)
        count = count / data.shape[axis] * mask.sum()
    if masks:  # a group of a removed branch is empty: its moments mean nothing, but must not be infinite
        empty = count < 0.5
        count = count + empty
    mean = (data * weight).sum(axes, keepdim=True) / count
    deviation = data - mean if centred else data
    variance = (deviation.square() * weight).sum(axes, keepdim=True) / (count - correction)
    return mean, torch.where(empty, 1.0, variance) if masks else variance


def _axes(args: dict[str, Any], rank: int) -> list[int]:
    axes = args.get("dim")
    axes = range(rank) if axes is None or axes == [] else [axes] if isinstance(axes, int) else axes
    return [axis % rank for axis in axes]


def _without(flow: Flow, node: fx.Node, dims: Sequence[Vector], axes: Sequence[int], keep: bool) -> Any:
    reduced = [None if axis in axes else vector for axis, vector in enumerate(dims) if keep or axis not in axes]
    several = isinstance(node.meta["val"], (tuple, list))
    return [tuple(reduced)] * len(node.meta["val"]) if several else tuple(reduced)


def _statistic(*names: str, run: Any) -> None:
    @rule(*names)
    def _reduce(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Any:
        dims = flow.of(args["self"])
        axes = _axes(args, len(dims))
        labelled = [axis for axis in axes if dims[axis] is not None]
        if labelled:
            flow.sites[node] = Site(tuple(dims[axis] for axis in labelled), run(node, axes, labelled))
        return _without(flow, node, dims, axes, bool(args.get("keepdim")))


def _zeroed(node: fx.Node, axes: Sequence[int], labelled: Sequence[int]) -> Masked:
    def run(target: Any, arguments: dict[str, Any], masks: Sequence[Tensor]) -> Any:
        data = arguments["self"]
        for axis, mask in zip(labelled, masks, strict=True):
            data = data * along(mask, data, axis)
        return target(**(arguments | {"self": data}))

    return run


def _mean(node: fx.Node, axes: Sequence[int], labelled: Sequence[int]) -> Masked:
    zeroed = _zeroed(node, axes, labelled)

    def run(target: Any, arguments: dict[str, Any], masks: Sequence[Tensor]) -> Any:
        result = zeroed(target, arguments, masks)
        for axis, mask in zip(labelled, masks, strict=True):
            result = result * (arguments["self"].shape[axis] / mask.sum().clamp(min=1))
        return result

    return run


def _variance(node: fx.Node, axes: Sequence[int], labelled: Sequence[int]) -> Masked:
    name = str(node.target).split(".")[1]

    def run(target: Any, arguments: dict[str, Any], masks: Sequence[Tensor]) -> Any:
        correction = arguments.get("correction", float(arguments.get("unbiased", True)))
        mean, variance = _moments(
            arguments["self"], axes, labelled, masks, 1.0 if correction is None else correction, True
        )
        if not arguments.get("keepdim"):
            mean, variance = mean.squeeze(tuple(axes)), variance.squeeze(tuple(axes))
        spread = variance.sqrt() if name.startswith("std") else variance
        return (spread, mean) if name.endswith("_mean") else spread

    return run


_statistic("sum", "norm", "linalg_vector_norm", "nansum", run=_zeroed)
_statistic("mean", run=_mean)
_statistic("var", "std", "var_mean", "std_mean", run=_variance)


@rule("cumsum")
def _cumsum(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = flow.of(args["self"])
    axis = args["dim"] % len(dims)
    if dims[axis] is not None:
        flow.sites[node] = Site((dims[axis],), _zeroed(node, [axis], [axis]))
    return dims


@rule("softmax", "_softmax")
def _softmax(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    dims = flow.of(args["self"])
    axis = args["dim"] % len(dims)

    def run(target: Any, arguments: dict[str, Any], masks: Sequence[Tensor]) -> Any:
        data = arguments["self"]
        weights = (data - data.amax(axis, keepdim=True)).exp() * along(masks[0], data, axis)
        return weights / weights.sum(axis, keepdim=True)

    if dims[axis] is not None:
        flow.sites[node] = Site((dims[axis],), run)
    return dims


@rule(
    "amax",
    "amin",
    "max",
    "min",
    "argmax",
    "argmin",
    "prod",
    "any",
    "all",
    "logsumexp",
    "median",
    "log_softmax",
    "mode",
    "nanmean",
)
def _extreme(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Any:
    if "other" in args:
        return pointwise(flow, node, args)
    dims = flow.of(args["self"])
    axes = _axes(args, len(dims))
    flow.freeze(node, [dims[axis] for axis in axes], "a statistic over channels that masks cannot stand in for")
    if "log_softmax" in str(node.target):
        return tuple(None if axis in axes else vector for axis, vector in enumerate(dims))
    return _without(flow, node, dims, axes, bool(args.get("keepdim")))


@rule(
    "upsample_nearest1d",
    "upsample_nearest2d",
    "upsample_linear1d",
    "upsample_bilinear2d",
    "upsample_bicubic2d",
    "upsample_nearest3d",
    "upsample_trilinear3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "_adaptive_avg_pool2d",
    "max_pool1d_with_indices",
    "max_pool2d_with_indices",
    "_upsample_nearest_exact1d",
    "_upsample_nearest_exact2d",
    "_upsample_bilinear2d_aa",
)
def _resample(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Any:
    """Resampling of time and frequency, each channel for itself."""
    source = args.get("self", args.get("input"))
    dims = flow.of(source)
    value = node.meta["val"]
    spatial = next(rank for rank in (1, 2, 3) if f"{rank}d" in str(node.target))
    flow.freeze(node, dims[-spatial:], "resampling runs along this dimension")
    result = (*dims[:-spatial], *((None,) * spatial))
    return [result] * len(value) if isinstance(value, (tuple, list)) else result
