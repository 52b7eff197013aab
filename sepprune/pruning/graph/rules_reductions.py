"""Rules for sums, means, variances and other statistics.

In the masked model, statistics over channels are statistics over the kept channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, fx

from .flow import Arguments, Dims, Flow, Labelled, Masked, Rule, Rules, Site
from .labels import Vector
from .masking import along, moments, zeroed
from .rules_elementwise import pointwise

#: how a statistic runs with masks: of its node, the axes that it reduces, and those of them that are labelled
_MakeMasked = Callable[[fx.Node, Sequence[int], Sequence[int]], Masked]


def _statistic(make: _MakeMasked) -> Rule:
    """The rule of a statistic that masks can leave channels out of."""

    def reduce(flow: Flow, node: fx.Node, args: Arguments) -> Labelled:
        dims = flow.of(args["self"])
        axes = _axes(args, len(dims))
        labelled = [axis for axis in axes if dims[axis] is not None]
        if labelled:
            flow.sites[node] = Site(tuple(dims[axis] for axis in labelled), make(node, axes, labelled))
        return _without(node, dims, axes, bool(args.get("keepdim")))

    return reduce


def _axes(args: Arguments, rank: int) -> list[int]:
    """The reduced axes, from 0 on; all of them where none is given."""
    axes = args.get("dim")
    axes = range(rank) if axes is None or axes == [] else [axes] if isinstance(axes, int) else axes
    return [axis % rank for axis in axes]


def _without(node: fx.Node, dims: Sequence[Vector], axes: Sequence[int], keep: bool) -> Labelled:
    """Labels after these axes are reduced; ``keep`` leaves them as dimensions of size 1."""
    reduced = [None if axis in axes else vector for axis, vector in enumerate(dims) if keep or axis not in axes]
    several = isinstance(node.meta["val"], (tuple, list))
    return [tuple(reduced)] * len(node.meta["val"]) if several else tuple(reduced)


def _sum(node: fx.Node, axes: Sequence[int], labelled: Sequence[int]) -> Masked:
    return zeroed(labelled)


def _mean(node: fx.Node, axes: Sequence[int], labelled: Sequence[int]) -> Masked:
    mean_of_zeroed = zeroed(labelled)

    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        result = mean_of_zeroed(target, arguments, masks)
        for axis, mask in zip(labelled, masks, strict=True):
            result = result * (arguments["self"].shape[axis] / mask.sum().clamp(min=1))
        return result

    return run


def _variance(node: fx.Node, axes: Sequence[int], labelled: Sequence[int]) -> Masked:
    name = str(node.target).split(".")[1]

    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        correction = arguments.get("correction", float(arguments.get("unbiased", True)))
        mean, variance = moments(
            arguments["self"], axes, labelled, masks, 1.0 if correction is None else correction, True
        )
        if not arguments.get("keepdim"):
            mean, variance = mean.squeeze(tuple(axes)), variance.squeeze(tuple(axes))
        spread = variance.sqrt() if name.startswith("std") else variance
        return (spread, mean) if name.endswith("_mean") else spread

    return run


def _cumsum(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = flow.of(args["self"])
    axis = args["dim"] % len(dims)
    if dims[axis] is not None:
        flow.sites[node] = Site((dims[axis],), zeroed([axis]))
    return dims


def _softmax(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = flow.of(args["self"])
    axis = args["dim"] % len(dims)

    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        data = arguments["self"]
        weights = (data - data.amax(axis, keepdim=True)).exp() * along(masks[0], data, axis)
        return weights / weights.sum(axis, keepdim=True)

    if dims[axis] is not None:
        flow.sites[node] = Site((dims[axis],), run)
    return dims


def _extreme(flow: Flow, node: fx.Node, args: Arguments) -> Labelled:
    if "other" in args:
        return pointwise(flow, node, args)
    dims = flow.of(args["self"])
    axes = _axes(args, len(dims))
    flow.block(
        node, args["self"], [dims[axis] for axis in axes], "a statistic over channels that masks cannot stand in for"
    )
    if "log_softmax" in str(node.target):
        return tuple(None if axis in axes else vector for axis, vector in enumerate(dims))
    return _without(node, dims, axes, bool(args.get("keepdim")))


RULES: Rules = {
    **dict.fromkeys(
        (
            "sum nansum count_nonzero norm frobenius_norm nuclear_norm linalg_norm linalg_vector_norm "
            "linalg_matrix_norm"
        ).split(),
        _statistic(_sum),
    ),
    "mean": _statistic(_mean),
    **dict.fromkeys("var std var_mean std_mean".split(), _statistic(_variance)),
    "cumsum": _cumsum,
    **dict.fromkeys("softmax _softmax _safe_softmax".split(), _softmax),
    **dict.fromkeys(
        "amax amin aminmax max min argmax argmin prod any all logsumexp median nanmedian mode nanmean "
        "log_softmax _log_softmax".split(),
        _extreme,
    ),
}
