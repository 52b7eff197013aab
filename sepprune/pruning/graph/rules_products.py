"""Rules for convolutions, matrix products and attention: what sums over channels.

In the masked model the dropped channels are left out of the sum by zeroing them in one factor, the weight wherever
there is one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, fx

from .flow import Dims, Flow, Product, Site, rule, shape
from .labels import Vector


def along(mask: Tensor, tensor: Tensor, dimension: int) -> Tensor:
    """A mask shaped to multiply ``tensor`` along one dimension."""
    return mask.to(tensor.dtype).view([-1 if index == dimension % tensor.dim() else 1 for index in range(tensor.dim())])


def scale(name: str, dimension: int) -> Any:
    """Run an operation with its argument ``name`` multiplied by the mask."""

    def run(target: Any, arguments: dict[str, Any], masks: Sequence[Tensor]) -> Any:
        tensor = arguments[name]
        return target(**(arguments | {name: tensor * along(masks[0], tensor, dimension)}))

    return run


def size_of(vector: Vector, size: int) -> np.ndarray:
    """A dimension's labels for counting: zeros where it is fixed."""
    return np.zeros(size, dtype=np.int64) if vector is None else vector


def sizes_of(node: fx.Node, dims: Dims) -> tuple[np.ndarray, ...]:
    return tuple(size_of(vector, size) for vector, size in zip(dims, shape(node), strict=True))


@rule("conv1d", "conv2d", "conv3d", "convolution", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _convolution(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    data, weight, groups = args["input"], args["weight"], args["groups"]
    transposed = args.get("transposed", "transpose" in str(node.target))
    data_dims, weight_dims = flow.of(data), flow.of(weight)
    channel = len(data_dims) - len(weight_dims) + 1
    flow.note_channels(node, weight, 0, 1)
    flow.freeze(node, weight_dims[2:], "taps of a kernel are not channels")
    flow.freeze(node, data_dims[channel + 1 :], "a convolution runs along this dimension")
    per_group = shape(weight)[1] if not transposed else shape(weight)[0] // groups
    inputs, first, second = data_dims[channel], weight_dims[0], weight_dims[1]
    if groups == 1:
        contracted, output = (first, second) if transposed else (second, first)
        contracted = flow.tie(node, inputs, contracted, "a convolution sums over these channels")
        if contracted is not None:
            flow.sites[node] = Site((contracted,), scale("weight", 0 if transposed else 1))
    else:
        output = _grouped(flow, node, inputs, first, second, groups, per_group, transposed)
        flow.size_slots[node] = [(groups, inputs if per_group == 1 else None)]
    if args["bias"] is not None:
        output = flow.tie(node, output, flow.of(args["bias"])[0], "the bias of a convolution")
    positions = data if transposed else node
    spatial = math.prod(shape(positions)[channel + 1 :]) * math.prod(shape(node)[:channel])
    flow.products.append(Product(node, spatial, sizes_of(weight, weight_dims)))
    return (*data_dims[:channel], output, *((None,) * (len(data_dims) - channel - 1)))


def _grouped(
    flow: Flow,
    node: fx.Node,
    inputs: Vector,
    first: Vector,
    second: Vector,
    groups: int,
    per_group: int,
    transposed: bool,
) -> Vector:
    """Output channels of a grouped convolution.

    Depthwise: a group is a channel, and goes as a whole. Otherwise every group loses the same of its channels.
    """
    outputs = shape(node)[len(shape(node.args[0])) - len(shape(node.args[1])) + 1]
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


@rule("linear")
def _linear(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    data_dims, (rows, columns) = flow.of(args["input"]), flow.of(args["weight"])
    flow.note_channels(node, args["weight"], 0, 1)
    columns = flow.tie(node, data_dims[-1], columns, "a linear layer sums over these channels")
    if columns is not None:
        flow.sites[node] = Site((columns,), scale("weight", 1))
    if args["bias"] is not None:
        rows = flow.tie(node, rows, flow.of(args["bias"])[0], "the bias of a linear layer")
    dims = (*data_dims[:-1], rows)
    flow.products.append(Product(node, 1, (*sizes_of(node, dims), size_of(columns, shape(args["weight"])[1]))))
    return dims


@rule("matmul", "mm", "bmm", "mv", "dot")
def _matmul(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    names = [name for name in args if name != "out_dtype"][:2]
    return _matrix_product(flow, node, names[0], args[names[0]], names[1], args[names[1]])


@rule("addmm", "baddbmm")
def _add_matmul(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    names = ("mat1", "mat2") if "mat1" in args else ("batch1", "batch2")
    dims = _matrix_product(flow, node, names[0], args[names[0]], names[1], args[names[1]])
    return broadcast(flow, node, [dims, flow.of(args["self"])], [shape(node), shape(args["self"])], "a sum")


def _matrix_product(flow: Flow, node: fx.Node, left_name: str, left: fx.Node, right_name: str, right: fx.Node) -> Dims:
    left_dims, right_dims = flow.of(left), flow.of(right)
    for factor, dims in ((left, left_dims), (right, right_dims)):
        flow.note_channels(node, factor, *range(len(dims)))
    inner = flow.tie(
        node,
        left_dims[-1],
        right_dims[-2] if len(right_dims) > 1 else right_dims[0],
        "a matrix product sums over these channels",
    )
    if inner is not None:
        smaller_left = math.prod(shape(left)) < math.prod(shape(right))
        dimension = -1 if smaller_left else -2 if len(right_dims) > 1 else -1
        flow.sites[node] = Site((inner,), scale(left_name if smaller_left else right_name, dimension))
    batch = broadcast(
        flow,
        node,
        [left_dims[:-2], right_dims[:-2]],
        [shape(left)[:-2], shape(right)[:-2]],
        "factors of a batched matrix product",
    )
    dims = (*batch, *left_dims[-2:-1], *(right_dims[-1:] if len(right_dims) > 1 else ()))
    flow.products.append(Product(node, 1, (*sizes_of(node, dims), size_of(inner, shape(left)[-1]))))
    return dims


def broadcast(flow: Flow, node: fx.Node, operands: Sequence[Dims], shapes: Sequence[Sequence[int]], why: str) -> Dims:
    """Labels of an operation that works element by element on operands of these shapes."""
    rank = max(len(dims) for dims in operands)
    result: list[Vector] = []
    for position in range(-rank, 0):
        present = [
            (dims[position], sizes[position])
            for dims, sizes in zip(operands, shapes, strict=True)
            if len(dims) >= -position
        ]
        wide = [vector for vector, size in present if size > 1]
        merged = wide[0] if wide else None
        for vector in wide[1:]:
            merged = flow.tie(node, merged, vector, why)
        result.append(merged)
    return tuple(result)


@rule("einsum")
def _einsum(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims | None:
    equation, tensors = args["equation"].replace(" ", ""), args["tensors"]
    if "." in equation:
        return None
    inputs, arrow, output = equation.partition("->")
    letters: dict[str, Vector] = {}
    sizes: dict[str, int] = {}
    terms = inputs.split(",")
    if not arrow:
        output = "".join(sorted(letter for letter in set(inputs) - {","} if inputs.count(letter) == 1))
    for term, tensor in zip(terms, tensors, strict=True):
        flow.note_channels(node, tensor, *range(len(term)))
        for letter, vector, size in zip(term, flow.of(tensor), shape(tensor), strict=True):
            if size > 1:
                letters[letter] = (
                    flow.tie(node, letters[letter], vector, "one index of an einsum") if letter in letters else vector
                )
            sizes[letter] = max(size, sizes.get(letter, 1))
    summed = [letter for letter in sizes if letter not in output and letters.get(letter) is not None]
    if summed:
        owner = [
            next(
                index
                for index, term in enumerate(terms)
                if letter in term and shape(tensors[index])[term.index(letter)] > 1
            )
            for letter in summed
        ]

        def run(target: Any, arguments: dict[str, Any], masks: Sequence[Tensor]) -> Any:
            factors = list(arguments["tensors"])
            for letter, index, mask in zip(summed, owner, masks, strict=True):
                factors[index] = factors[index] * along(mask, factors[index], terms[index].index(letter))
            return target(**(arguments | {"tensors": factors}))

        flow.sites[node] = Site(tuple(letters[letter] for letter in summed), run)
    flow.products.append(Product(node, 1, tuple(size_of(letters.get(letter), sizes[letter]) for letter in sizes)))
    return tuple(letters.get(letter) for letter in output)


@rule("scaled_dot_product_attention")
def _attention(flow: Flow, node: fx.Node, args: dict[str, Any]) -> Dims:
    query, key, value = args["query"], args["key"], args["value"]
    q, k, v = flow.of(query), flow.of(key), flow.of(value)
    features = flow.tie(node, q[-1], k[-1], "queries and keys are multiplied")
    keys = flow.tie(node, k[-2], v[-2], "keys and values go together")
    flow.freeze(node, keys, "attention weighs these positions")
    if args["attn_mask"] is not None:
        flow.freeze(node, flow.of(args["attn_mask"]), "an attention mask")
    batch = broadcast(
        flow, node, [q[:-2], k[:-2], v[:-2]], [shape(item)[:-2] for item in (query, key, value)], "attention's batch"
    )
    if features is not None:

        def run(target: Any, arguments: dict[str, Any], masks: Sequence[Tensor]) -> Any:
            kept = masks[0].sum()
            masked = arguments["query"] * along(masks[0], arguments["query"], -1)
            if arguments["scale"] is None:  # the default follows the number of features
                masked, arguments = masked * kept.rsqrt(), arguments | {"scale": 1.0}
            return target(**(arguments | {"query": masked}))

        flow.sites[node] = Site((features,), run)
    pairs = math.prod(shape(node)[:-1]) * shape(key)[-2]
    flow.products.append(Product(node, pairs, (size_of(features, shape(query)[-1]),)))
    flow.products.append(Product(node, pairs, (size_of(v[-1], shape(value)[-1]),)))
    return (*batch, q[-2], v[-1])
