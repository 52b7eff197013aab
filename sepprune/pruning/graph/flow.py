"""Following channel labels through a module's graph.

Dropping channels means deleting their indices from every tensor. Operations that work index by index need nothing
for that. Operations that *reduce* over a dimension (products, statistics) must leave dropped indices out; those
places are noted as :class:`Site`, and the masked model of :mod:`~sepprune.pruning.masked` leaves them out with
masks, so that it computes at every kept index what the pruned model will compute.

Rules for operations are registered in ``rules_*.py``. An operation without a rule freezes every label that reaches
it, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from .labels import Labels, Reason, Vector
from .trace import Trace, layer_of

#: labels of a tensor, one vector a dimension
Dims = tuple[Vector, ...]

#: replaces an operation in the masked model: ``(target, arguments by name, one mask a vector) -> result``
Masked = Callable[[Any, dict[str, Any], Sequence[Tensor]], Any]


@dataclass(frozen=True)
class Site:
    """A node that reduces over labelled dimensions, and how it runs with masks for them."""

    vectors: tuple[Vector, ...]
    run: Masked


@dataclass(frozen=True)
class Product:
    """Multiply-adds of a node: ``constant`` times the sizes of ``dims``."""

    node: fx.Node
    constant: float
    dims: tuple[np.ndarray, ...]


@dataclass
class Flow:
    """What following the labels finds.

    Attributes:
        labels: the ties.
        dims: labels of every node's tensor (a list of them where a node has several outputs).
        parameters: labels of every parameter, buffer and tensor attribute that the graph uses, by name.
        channels: which dimensions of which parameters are channels of a layer, with the layer's name.
        sites: nodes that reduce over labelled dimensions.
        products: multiply-adds.
        size_slots: integers among a node's arguments that are sizes, in order of the arguments, each with the
            vector whose number of indices it states.
    """

    trace: Trace
    labels: Labels = field(default_factory=Labels)
    dims: dict[fx.Node, Any] = field(default_factory=dict)
    parameters: dict[str, Dims] = field(default_factory=dict)
    channels: dict[tuple[str, int], str] = field(default_factory=dict)
    sites: dict[fx.Node, Site] = field(default_factory=dict)
    products: list[Product] = field(default_factory=list)
    size_slots: dict[fx.Node, list[tuple[int, Vector]]] = field(default_factory=dict)

    def tie(self, node: fx.Node, first: Vector, second: Vector, why: str) -> Vector:
        return self.labels.tie(first, second, self.reason(node, why))

    def freeze(self, node: fx.Node, vectors: Sequence[Vector] | Vector, why: str) -> None:
        for vector in vectors if isinstance(vectors, (tuple, list)) else (vectors,):
            self.labels.freeze(vector, self.reason(node, why))

    def reason(self, node: fx.Node, why: str) -> Reason:
        return Reason(layer_of(node), operation(node), why)

    def of(self, node: Any) -> Dims:
        """Labels of a node's tensor."""
        return self.dims[node]

    def note_channels(self, node: fx.Node, weight: Any, *dimensions: int) -> None:
        """Remember that these dimensions of a parameter are a layer's channels."""
        name = self.trace.tensors.get(getattr(weight, "target", None))
        if name is not None:
            for dimension in dimensions:
                self.channels.setdefault((name, dimension), name.rpartition(".")[0] or layer_of(node))


Rule = Callable[[Flow, fx.Node, dict[str, Any]], Any]
_RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for ATen operations, named without overload: ``rule("conv1d", "conv2d")``."""

    def register(function: Rule) -> Rule:
        _RULES.update(dict.fromkeys(names, function))
        return function

    return register


def operation(node: fx.Node) -> str:
    """An operation's name without namespace, overload and in-place underscore."""
    target = node.target
    if isinstance(target, torch._ops.OpOverload):
        name = target._schema.name.removeprefix("aten::")
        return name.rstrip("_") if name.endswith("_") and not name.startswith("__") else name
    return getattr(target, "__name__", str(target))


def arguments(node: fx.Node) -> dict[str, Any]:
    """A node's arguments by the names of the operation's schema, defaults included."""
    if not isinstance(node.target, torch._ops.OpOverload):
        return {str(index): value for index, value in enumerate(node.args)} | node.kwargs
    schema = node.target._schema.arguments
    bound = {item.name: item.default_value for item in schema if item.has_default_value()}
    bound.update({item.name: value for item, value in zip(schema, node.args, strict=False)})
    return bound | node.kwargs


def shape(node: fx.Node) -> tuple[int, ...]:
    return tuple(int(size) for size in node.meta["val"].shape)


def follow(module: nn.Module, trace: Trace, earlier: Flow | None = None) -> Flow:
    """Follow the channel labels of every tensor of ``module`` through its graph.

    Args:
        module: what was traced.
        trace: its graph.
        earlier: what following another trace of the same module found; the ties are shared with it.
    """
    from . import rules_pieces, rules_products, rules_recurrent, rules_reductions, rules_shapes  # noqa: F401

    flow = (
        Flow(trace)
        if earlier is None
        else Flow(trace, labels=earlier.labels, parameters=earlier.parameters, channels=earlier.channels)
    )
    for node in trace.graph.graph.nodes:
        flow.dims[node] = _dims_of(flow, module, node)
    _keep_attributes_single(flow)
    _keep_attention_square(flow, module)
    return flow


def _dims_of(flow: Flow, module: nn.Module, node: fx.Node) -> Any:
    from . import rules_reductions

    if node.op == "get_attr":
        return _tensor_dims(flow, node)
    if node.op == "output":
        _freeze_outputs(flow, module, node)
        return ()
    if node.op != "call_function":
        return _fixed(node.meta.get("val"))
    known = _RULES.get(operation(node))
    if known is None and torch.Tag.pointwise in getattr(node.target, "tags", ()):
        known = rules_reductions.pointwise
    if known is not None:
        result = known(flow, node, arguments(node))
        if result is not None:
            return result
    for argument in node.all_input_nodes:
        for dims in _leaves(flow.dims[argument]):
            flow.freeze(node, dims, "no rule says what this operation does to channels")
    return _fixed(node.meta.get("val"))


def _leaves(dims: Any) -> list[Dims]:
    return [leaf for part in dims for leaf in _leaves(part)] if isinstance(dims, list) else [dims]


def _fixed(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_fixed(part) for part in value]
    return (None,) * value.dim() if isinstance(value, Tensor) else ()


def _tensor_dims(flow: Flow, node: fx.Node) -> Dims:
    value = node.graph.owning_module
    for part in node.target.split("."):
        value = getattr(value, part)
    if not isinstance(value, Tensor):
        return ()
    name = flow.trace.tensors.get(node.target)
    if name is None:  # a constant made in forward: nothing to slice, so nothing may go
        return (None,) * value.dim()
    if name not in flow.parameters:
        flow.parameters[name] = tuple(flow.labels.fresh(size) for size in value.shape)
    return flow.parameters[name]


def _freeze_outputs(flow: Flow, module: nn.Module, node: fx.Node) -> None:
    """The outputs' shapes are part of the call signature; a causal separator's state, which it makes itself, is not."""
    for position, output in enumerate(output_nodes(node)):
        if position == 0 or not keeps_state(module):
            for dims in _leaves(flow.dims[output]):
                flow.freeze(node, dims, "these channels are the module's output")


def output_nodes(node: fx.Node) -> list[fx.Node]:
    """Nodes of the graph's outputs, in order."""
    return [leaf for leaf in torch.utils._pytree.tree_leaves(node.args) if isinstance(leaf, fx.Node)]


def keeps_state(module: nn.Module) -> bool:
    """Whether outputs after the first are a state that the module makes by ``initial_state``."""
    return callable(getattr(module, "initial_state", None))


def _keep_attributes_single(flow: Flow) -> None:
    """An attribute that states several sizes has one value: tie the dimensions whose size it states."""
    first: dict[Any, Vector] = {}
    for node, slots in flow.size_slots.items():
        for size, vector in matched_sizes(flow.trace.sizes.get(node, ()), slots):
            if not size.plain:
                continue
            place = size.places[0]
            if place not in first:
                first[place] = vector
            elif first[place] is None or vector is None or len(first[place]) == len(vector):
                flow.tie(node, first[place], vector, f"one attribute, {place[1]}, states this size and another")


def _keep_attention_square(flow: Flow, module: nn.Module) -> None:
    """``nn.MultiheadAttention`` has as many features inside as outside: tie them."""
    for name, part in module.named_modules():
        weight = flow.parameters.get(f"{name}.in_proj_weight") if isinstance(part, nn.MultiheadAttention) else None
        if weight is not None:
            rows, columns = weight
            reason = Reason(name, "multi_head_attention", "torch's attention has one width inside and outside")
            for start in range(0, 3 * part.embed_dim, part.embed_dim):
                flow.labels.tie(columns, None if rows is None else rows[start : start + part.embed_dim], reason)


def matched_sizes(sizes: Sequence[Any], slots: Sequence[tuple[int, Vector]]) -> list[tuple[Any, Vector]]:
    """Attribute sizes with the argument of the node that they became: the next one of equal value."""
    matched, position = [], 0
    for size in sizes:
        for index in range(position, len(slots)):
            if slots[index][0] == size.value:
                matched.append((size, slots[index][1]))
                position = index + 1
                break
    return matched
