"""Multiply-adds as ptflops counts them, for comparison with published tables.

The published totals of the SepPrune paper's models come from ptflops (github.com/sovrasov/flops-counter.pytorch,
``pytorch_ops.py`` and ``pytorch_engine.py``), which differs from counting products in five ways:

- A transposed convolution is counted at its output's positions instead of its input's: ``stride`` times too much.
- Biases, activations, poolings, interpolations and norms count by element.
- It hooks modules *and* replaces functions of ``torch.nn.functional``. Modules that call such a function (``PReLU``,
  ``Upsample``, ...) count twice. (So would ``Linear``; but the only products of linear layers in the published totals
  are those of attention, and they are in them once. Products count once here.)
- ``F.interpolate(size=...)`` counts the number of positions once, whatever the number of channels.
- Modules that it does not know count nothing. The published programs write their global layer norms by hand, so a
  group norm of one group, which is the same, counts nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from torch import fx

from .arrays import Ints
from .graph.flow import Flow, arguments, operation, shape, size_of
from .graph.trace import class_of, layer_of

#: a term of a cost: layer, constant, and the labels of every dimension whose size it is multiplied by
Term = tuple[str, float, Sequence[Ints]]

#: counted per output element: operations whose function ptflops replaces, and classes that it hooks
_FUNCTIONS = {"relu", "prelu", "elu", "relu6", "gelu", "silu", "softmax"}
_HOOKED = {"ReLU", "PReLU", "ELU", "LeakyReLU", "ReLU6", "GELU"}
_PER_UNIT = {"lstm": 18.0, "gru": 13.0}


def ptflops_terms(flow: Flow, seconds: float) -> Iterator[Term]:
    """Multiply-adds per second of audio as ptflops counts them.

    Args:
        flow: a traced module.
        seconds: length of the example that was traced.
    """
    for product in flow.products:
        times = _product_times(product.node)
        yield layer_of(product.node), times * product.constant / seconds, product.dims
    for node, dims in flow.dims.items():
        if node.op != "call_function":
            continue
        factor = _element_factor(node)
        if factor:
            first = dims[0] if isinstance(dims, list) else dims
            if isinstance(first, list):
                raise TypeError(f"{node} has nested outputs, expected a tensor first")
            sizes = [size_of(vector, size) for vector, size in zip(first, _output_shape(node), strict=True)]
            yield layer_of(node), factor / seconds, sizes
        elif _is_resized(node) and _class(node) != "Upsample":
            yield layer_of(node), math.prod(arguments(node)["output_size"]) / seconds, ()


def _product_times(node: fx.Node) -> float:
    """How many times ptflops counts a product."""
    bound = arguments(node)
    if bound.get("transposed", "conv_transpose" in operation(node)):
        spatial = len(shape(bound["weight"])) - 2
        return math.prod(_output_shape(node)[-spatial:]) / math.prod(shape(bound["input"])[-spatial:])
    return 1.0


def _element_factor(node: fx.Node) -> float:
    """What ptflops counts per element of this node's output, products aside."""
    name, bound, kind = operation(node), arguments(node), _class(node)
    if name in _FUNCTIONS or name == "leaky_relu":
        return float(name in _FUNCTIONS) + float(kind in _HOOKED)
    if name in ("batch_norm", "instance_norm") or name == "group_norm" and bound["num_groups"] > 1:
        return 2.0 if bound.get("weight") is not None else 1.0
    if name == "layer_norm":
        return float(kind == "LayerNorm")
    if name.startswith(("upsample", "_upsample")):
        return 2.0 if kind == "Upsample" else 0.0 if _is_resized(node) else 1.0
    if "pool" in name:
        size = math.prod(shape(bound["self"])) / max(1, math.prod(_output_shape(node)))
        return size * (2.0 if "Pool" in kind else 1.0)
    if name in _PER_UNIT:
        return _PER_UNIT[name] * int(bound["num_layers"])
    if name.startswith(("conv", "convolution")):
        return float(bound.get("bias") is not None)
    return 0.0


def _is_resized(node: fx.Node) -> bool:
    """Whether a tensor is interpolated to a size, not by a factor."""
    return operation(node).startswith(("upsample", "_upsample")) and arguments(node).get("output_size") is not None


def _class(node: fx.Node) -> str:
    """Class of torch's own layer that a node belongs to; empty for any other module."""
    name = class_of(node)
    return name.rpartition(".")[2] if name.startswith("torch.nn.") else ""


def _output_shape(node: fx.Node) -> tuple[int, ...]:
    """Shape of a node's tensor, or of the first where it has several."""
    result = node.meta["val"]
    return tuple((result[0] if isinstance(result, (tuple, list)) else result).shape)
