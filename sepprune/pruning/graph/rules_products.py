"""Rules for matrix products, linear layers and attention: operations that sum over channels.

In the masked model the dropped channels are left out of the sum by setting them to zero in one factor, the weight
where there is one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, fx

from .dimensions import broadcast
from .flow import Arguments, Dims, Flow, Product, Rules, Site, shape, size_of, sizes_of
from .masking import along, scale


def _linear(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    data_dims, (rows, columns) = flow.of(args["input"]), flow.of(args["weight"])
    flow.note_channels(node, args["weight"], 0, 1, made=(0,))
    columns = flow.tie(node, data_dims[-1], columns, "a linear layer sums over these channels")
    if columns is not None:
        flow.sites[node] = Site((columns,), scale("weight", 1))
    if args["bias"] is not None:
        rows = flow.tie(node, rows, flow.of(args["bias"])[0], "the bias of a linear layer")
    dims = (*data_dims[:-1], rows)
    flow.products.append(Product(node, 1, (*sizes_of(node, dims), size_of(columns, shape(args["weight"])[1]))))
    return dims


def _matmul(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    names = [name for name in args if name != "out_dtype"][:2]
    return _matrix_product(flow, node, names[0], args[names[0]], names[1], args[names[1]])


def _add_matmul(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    names = next(pair for pair in (("mat1", "mat2"), ("mat", "vec"), ("batch1", "batch2")) if pair[0] in args)
    dims = _matrix_product(flow, node, names[0], args[names[0]], names[1], args[names[1]])
    return broadcast(flow, node, [dims, flow.of(args["self"])], [shape(node), shape(args["self"])], "a sum")


def _matrix_product(flow: Flow, node: fx.Node, left_name: str, left: fx.Node, right_name: str, right: fx.Node) -> Dims:
    left_dims, right_dims = flow.of(left), flow.of(right)
    # the rows of the left factor and the columns of the right one are those of the result
    for factor, dims, made in ((left, left_dims, len(left_dims) - 2), (right, right_dims, len(right_dims) - 1)):
        flow.note_channels(node, factor, *range(len(dims)), made=(made,) if len(dims) > 1 else ())
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


def _attention(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
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
        flow.sites[node] = Site((features,), _run_attention)
    pairs = math.prod(shape(node)[:-1]) * shape(key)[-2]
    flow.products.append(Product(node, pairs, (size_of(features, shape(query)[-1]),)))
    flow.products.append(Product(node, pairs, (size_of(v[-1], shape(value)[-1]),)))
    return (*batch, q[-2], v[-1])


def _run_attention(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
    kept = masks[0].sum()
    masked = arguments["query"] * along(masks[0], arguments["query"], -1)
    if arguments["scale"] is None:  # the default scale follows the number of features
        masked, arguments = masked * kept.rsqrt(), arguments | {"scale": 1.0}
    return target(**(arguments | {"query": masked}))


RULES: Rules = {
    "linear": _linear,
    **dict.fromkeys("matmul linalg_matmul mm bmm mv dot vdot".split(), _matmul),
    **dict.fromkeys("addmm addmv baddbmm".split(), _add_matmul),
    "scaled_dot_product_attention": _attention,
}
