"""Rules for sums of products by letters (einsum and its kind), and for distances.

In the masked model the dropped channels are left out of the sum by setting them to zero in one factor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from .dimensions import broadcast
from .flow import Arguments, Dims, Flow, Masked, Product, Rules, Site, shape, size_of
from .labels import Vector
from .masking import along


@dataclass(frozen=True)
class _Factor:
    """An operand of a sum of products: where it is among the arguments, and a letter per dimension."""

    name: str
    index: int | None
    tensor: fx.Node
    letters: str


def _contract(flow: Flow, node: fx.Node, factors: Sequence[_Factor], output: str) -> Dims | None:
    """Labels of a sum of products; letters that are not in the output are summed over."""
    if any(len(set(factor.letters)) < len(factor.letters) for factor in factors):
        return None  # a diagonal
    letters: dict[str, Vector] = {}
    sizes: dict[str, int] = {}
    owners: dict[str, tuple[_Factor, int]] = {}
    for factor in factors:
        others = {letter for other in factors if other is not factor for letter in other.letters}
        made = [index for index, letter in enumerate(factor.letters) if letter in output and letter not in others]
        flow.note_channels(node, factor.tensor, *range(len(factor.letters)), made=made)
        for dimension, (letter, vector, size) in enumerate(
            zip(factor.letters, flow.of(factor.tensor), shape(factor.tensor), strict=True)
        ):
            if size > 1:
                letters[letter] = (
                    flow.tie(node, letters[letter], vector, "one index of an einsum") if letter in letters else vector
                )
                owners.setdefault(letter, (factor, dimension))
            sizes[letter] = max(size, sizes.get(letter, 1))
    summed = [letter for letter in sizes if letter not in output and letters.get(letter) is not None]
    if summed:
        flow.sites[node] = Site(
            tuple(letters[letter] for letter in summed), _run_contraction([owners[letter] for letter in summed])
        )
    flow.products.append(Product(node, 1, tuple(size_of(letters.get(letter), sizes[letter]) for letter in sizes)))
    return tuple(letters.get(letter) for letter in output)


def _run_contraction(masked: Sequence[tuple[_Factor, int]]) -> Masked:
    """Run a sum of products with masks, each of which multiplies one factor along one dimension."""

    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        changed = dict(arguments)
        for (factor, dimension), mask in zip(masked, masks, strict=True):
            value = changed[factor.name]
            if factor.index is None:
                changed[factor.name] = value * along(mask, value, dimension)
            else:
                value = list(value)
                value[factor.index] = value[factor.index] * along(mask, value[factor.index], dimension)
                changed[factor.name] = value
        return target(**changed)

    return run


def _einsum(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    inputs, arrow, output = args["equation"].replace(" ", "").partition("->")
    tensors = args["tensors"]
    terms = inputs.split(",")
    spans = [len(shape(tensor)) - len(term.replace("...", "")) for term, tensor in zip(terms, tensors, strict=True)]
    widest = max((span for span, term in zip(spans, terms, strict=True) if "..." in term), default=0)
    # the dimensions of an ellipsis get letters that no equation has, the last dimension the same in every term
    ellipsis = "".join(chr(0x2460 + index) for index in range(widest))
    if not arrow:
        named = [letter for letter in inputs if letter.isalpha()]
        output = "..." * ("..." in inputs) + "".join(sorted(letter for letter in named if named.count(letter) == 1))
    factors = [
        _Factor("tensors", index, tensor, term.replace("...", ellipsis[widest - span :] if span else ""))
        for index, (term, tensor, span) in enumerate(zip(terms, tensors, spans, strict=True))
    ]
    return _contract(flow, node, factors, output.replace("...", ellipsis))


def _letters(first: int, count: int) -> str:
    return "".join(chr(ord("A") + first + index) for index in range(count))


def _tensordot(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    left, right = args["self"], args["other"]
    own = list(_letters(0, len(shape(left))))
    other = list(_letters(len(own), len(shape(right))))
    summed = []
    for first, second in zip(args["dims_self"], args["dims_other"], strict=True):
        other[second] = own[first]
        summed.append(own[first])
    output = "".join(letter for letter in (*own, *other) if letter not in summed)
    factors = [_Factor("self", None, left, "".join(own)), _Factor("other", None, right, "".join(other))]
    return _contract(flow, node, factors, output)


def _inner(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    if not shape(args["self"]) or not shape(args["other"]):
        return None
    return _tensordot(flow, node, {**args, "dims_self": [-1], "dims_other": [-1]})


def _outer(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    return _tensordot(flow, node, {"self": args["self"], "other": args["vec2"], "dims_self": [], "dims_other": []})


def _vecdot(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    if shape(args["x"]) != shape(args["y"]):
        return None
    letters = _letters(0, len(shape(args["x"])))
    summed = letters[args["dim"]]
    factors = [_Factor(name, None, args[name], letters) for name in ("x", "y")]
    return _contract(flow, node, factors, letters.replace(summed, ""))


def _bilinear(flow: Flow, node: fx.Node, args: Arguments) -> Dims | None:
    outer = _letters(0, len(shape(args["input1"])) - 1)
    letters: Mapping[str, str] = {"input1": f"{outer}x", "input2": f"{outer}y", "weight": "zxy"}
    factors = [_Factor(name, None, args[name], term) for name, term in letters.items()]
    dims = _contract(flow, node, factors, f"{outer}z")
    if dims is None or args["bias"] is None:
        return dims
    return (*dims[:-1], flow.tie(node, dims[-1], flow.of(args["bias"])[0], "the bias of a bilinear layer"))


def _distance(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    """Cosine similarity and distance of two tensors along one dimension."""
    dims = list(_both(flow, node, args))
    axis = args.get("dim", -1)
    axis = axis - len(dims) if axis >= 0 else axis
    if dims[axis] is not None:
        flow.sites[node] = Site((dims[axis],), _run_distance(axis))
    if args.get("keepdim"):
        dims[axis] = None
    else:
        del dims[axis]
    return tuple(dims)


def _both(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    tensors = [args["x1"], args["x2"]]
    return broadcast(
        flow, node, [flow.of(item) for item in tensors], [shape(item) for item in tensors], "tensors that are compared"
    )


def _run_distance(axis: int) -> Masked:
    """Run a comparison along one dimension on the kept channels."""

    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        first, second = torch.broadcast_tensors(arguments["x1"], arguments["x2"])
        mask = along(masks[0], first, axis)
        if "pairwise_distance" not in str(target):
            return target(**(arguments | {"x1": first * mask, "x2": second * mask}))
        difference = (first - second + arguments["eps"]) * mask
        return torch.linalg.vector_norm(difference, arguments["p"], axis, arguments["keepdim"])

    return run


def _cdist(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    """Distances between all rows of two tensors."""
    first, second = flow.of(args["x1"]), flow.of(args["x2"])
    summed = flow.tie(node, first[-1], second[-1], "rows that are compared")
    if summed is not None:

        def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
            rows = {name: arguments[name] * along(masks[0], arguments[name], -1) for name in ("x1", "x2")}
            return target(**(arguments | rows))

        flow.sites[node] = Site((summed,), run)
    batches = [shape(args[name])[:-2] for name in ("x1", "x2")]
    batch = broadcast(flow, node, [first[:-2], second[:-2]], batches, "tensors that are compared")
    return (*batch, first[-2], second[-2])


RULES: Rules = {
    "einsum": _einsum,
    "tensordot": _tensordot,
    "inner": _inner,
    **dict.fromkeys("outer ger".split(), _outer),
    "linalg_vecdot": _vecdot,
    "bilinear": _bilinear,
    **dict.fromkeys("cosine_similarity pairwise_distance".split(), _distance),
    "cdist": _cdist,
}
