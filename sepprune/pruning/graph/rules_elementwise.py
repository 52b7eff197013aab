"""Rules for element-wise operations, and for gates and complex numbers, which are almost element-wise.

Operations that torch tags as pointwise need no entry: :func:`pointwise` is their rule. The table has those without
the tag.
"""

from __future__ import annotations

import math

from torch import Tensor, fx

from .dimensions import broadcast
from .flow import Arguments, Dims, Flow, Rules, shape


def pointwise(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    """Element by element: tie the operands' channels at equal positions; an operation on numbers has none."""
    operands = [item for item in node.all_input_nodes if isinstance(item.meta.get("val"), Tensor)]
    if not operands:
        return ()
    return broadcast(
        flow,
        node,
        [flow.of(item) for item in operands],
        [shape(item) for item in operands],
        "operands of an element-wise operation",
    )


def _like_self(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    """Conversions: of a second tensor only the type and the device are used."""
    return flow.of(args["self"])


def _view_as_complex(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = flow.of(args["self"])
    flow.freeze(node, dims[-1], "real and imaginary part")
    return dims[:-1]


def _view_as_real(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    return (*flow.of(args["self"]), None)


def _glu(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = list(flow.of(args["self"]))
    axis, half = args["dim"], shape(node)[args["dim"]]
    vector = dims[axis]
    if vector is not None:
        dims[axis] = flow.tie(node, vector[:half], vector[half:], "a gate and what it gates")
    return tuple(dims)


def _prelu(flow: Flow, node: fx.Node, args: Arguments) -> Dims:
    dims = list(flow.of(args["self"]))
    slopes = args["weight"]
    if math.prod(shape(slopes)) > 1:
        if len(shape(slopes)) > 1:
            return pointwise(flow, node, args)
        dims[1] = flow.tie(node, dims[1], flow.of(slopes)[0], "a slope a channel")
    return tuple(dims)


_POINTWISE = (
    "contiguous clone detach alias lift lift_fresh float cpu cuda chalf pin_memory requires_grad copy fill zero "
    "_cast_Byte _cast_Char _cast_Double _cast_Float _cast_Half _cast_Int _cast_Long _cast_Short _lazy_clone "
    "multiply divide subtract absolute negative floor_divide fix arccos arccosh arcsin arcsinh arctan arctan2 arctanh "
    "greater greater_equal less less_equal not_equal isclose isreal __and__ __or__ __irshift__ "
    "dropout feature_dropout alpha_dropout where masked_fill abs angle square clamp rsub logaddexp "
    "gelu softplus silu mish hardswish hardtanh relu6 leaky_relu elu selu celu log_sigmoid "
    "complex polar real imag conj _conj resolve_conj resolve_neg "
    "zeros_like ones_like full_like empty_like rand_like randn_like _assert_tensor_metadata"
)

RULES: Rules = {
    **dict.fromkeys(_POINTWISE.split(), pointwise),
    **dict.fromkeys("to _to_copy type_as".split(), _like_self),
    "view_as_complex": _view_as_complex,
    "view_as_real": _view_as_real,
    "glu": _glu,
    **dict.fromkeys("prelu _prelu_kernel".split(), _prelu),
}
