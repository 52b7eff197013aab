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

import numpy as np
from torch import fx

from .graph.flow import Flow, arguments, operation
from .graph.trace import class_of, layer_of

#: by element of the output: operations whose function is replaced, and classes that have a hook
_FUNCTIONS = {"relu", "prelu", "elu", "relu6", "gelu", "silu", "softmax"}
_HOOKED = {"ReLU", "PReLU", "ELU", "LeakyReLU", "ReLU6", "GELU"}
_PER_UNIT = {"lstm": 18.0, "gru": 13.0}


def ptflops_terms(flow: Flow, seconds: float) -> Iterator[tuple[str, float, Sequence[np.ndarray]]]:
    """Terms ``(layer, constant, labels of every dimension)`` of :meth:`sepprune.pruning.cost.Cost.of`.

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
            sizes = [
                np.zeros(size, dtype=np.int64) if vector is None else vector
                for vector, size in zip(dims[0] if isinstance(dims, list) else dims, _output_shape(node), strict=True)
            ]
            yield layer_of(node), factor / seconds, sizes
        elif _is_resized(node) and _class(node) != "Upsample":
            yield layer_of(node), math.prod(arguments(node)["output_size"]) / seconds, ()


def _product_times(node: fx.Node) -> float:
    bound = arguments(node)
    if bound.get("transposed", "conv_transpose" in operation(node)):
        spatial = len(bound["weight"].meta["val"].shape) - 2
        return math.prod(_output_shape(node)[-spatial:]) / math.prod(bound["input"].meta["val"].shape[-spatial:])
    return 1.0


def _element_factor(node: fx.Node) -> float:
    """What counts for an element of this node's output, besides products."""
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
        size = math.prod(bound["self"].meta["val"].shape) / max(1, math.prod(_output_shape(node)))
        return size * (2.0 if "Pool" in kind else 1.0)
    if name in _PER_UNIT:
        return _PER_UNIT[name] * bound["num_layers"]
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
    result = node.meta["val"]
    return tuple((result[0] if isinstance(result, (tuple, list)) else result).shape)
