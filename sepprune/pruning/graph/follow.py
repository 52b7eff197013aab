"""Following channel labels through a module's graph.

Every operation is handed to the rule that :mod:`~sepprune.pruning.graph.rules` has for it. An operation without a rule
freezes every label that reaches it, with a reason.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_leaves

from .flow import Dims, Flow, Labelled, Rule, arguments, matched_sizes, operation
from .labels import Reason, Vector
from .reasons import reason_for
from .rules import RULES
from .rules_elementwise import pointwise
from .sizes import Place
from .trace import Trace, attribute_of, owner_of

#: operations that take a part of a tensor; without users only the size of the part was needed
_PARTS = {"select", "slice", "narrow"}


def follow(
    module: nn.Module, trace: Trace, earlier: Flow | None = None, keep_outputs: tuple[int | str, ...] | None = None
) -> Flow:
    """Follow the channel labels of every tensor of ``module`` through its graph.

    Args:
        module: what was traced.
        trace: its graph.
        earlier: the flow of another trace of the same module; labels and ``keep_outputs`` are shared with it.
        keep_outputs: see :class:`~sepprune.pruning.graph.flow.Flow`.
    """
    flow = (
        Flow(trace, keep_outputs)
        if earlier is None
        else Flow(
            trace,
            earlier.keep_outputs,
            labels=earlier.labels,
            parameters=earlier.parameters,
            channels=earlier.channels,
            calculated=earlier.calculated,
            made=earlier.made,
        )
    )
    for node in trace.graph.graph.nodes:
        flow.origins[node] = _origins(flow, node)
        flow.dims[node] = _dims_of(flow, module, node)
        _note_blocker(flow, node)
    _keep_attributes_single(flow)
    _keep_attention_square(flow, module)
    return flow


def output_nodes(node: fx.Node) -> list[fx.Node]:
    """Nodes that the graph's ``output`` node returns, in order."""
    return [leaf for leaf in tree_leaves(node.args) if isinstance(leaf, fx.Node)]


def keeps_state(module: nn.Module) -> bool:
    """Whether outputs after the first are a state that the module makes by ``initial_state``."""
    return callable(getattr(module, "initial_state", None))


def kept_outputs(flow: Flow, module: nn.Module) -> list[int]:
    """Which outputs keep their shape, counted without containers."""
    keys = flow.trace.outputs
    if flow.keep_outputs is not None:
        return [position for position, key in enumerate(keys) if key in flow.keep_outputs]
    return list(range(len(keys)))[: 1 if keeps_state(module) else None]


def rule_for(name: str, target: object = None) -> Rule | None:
    """The rule of an operation: its own, that of its variant without aliasing, or that of pointwise operations."""
    rule = RULES.get(name) or RULES.get(name.removesuffix("_copy"))
    if rule is not None:
        return rule
    packet = getattr(torch.ops.aten, name, None)  # the tag is missing from variants in place
    overloads = packet.overloads() if isinstance(packet, torch._ops.OpOverloadPacket) else []
    tagged = (target, *(getattr(packet, overload) for overload in overloads))
    return pointwise if any(torch.Tag.pointwise in getattr(item, "tags", ()) for item in tagged) else None


def _dims_of(flow: Flow, module: nn.Module, node: fx.Node) -> Labelled:
    """Labels of what a node gives."""
    if node.op == "get_attr":
        return _tensor_dims(flow, module, node)
    if node.op == "output":
        _freeze_outputs(flow, module, node)
        return ()
    if node.op != "call_function":
        flow.blockers[node] = Reason("", "input", "these channels are the module's input")
        return _fixed(node.meta.get("val"))
    if not node.users and operation(node) in _PARTS:
        return _fixed(node.meta.get("val"))
    rule = rule_for(operation(node), node.target)
    unknown = any(isinstance(_number(source), fx.Node) for source in node.all_input_nodes if _is_size(source))
    if rule is not None and not unknown:
        result = rule(flow, node, fx.node.map_arg(arguments(node), _number))
        if result is not None:
            return result
    for argument in node.all_input_nodes:
        for dims in _leaves(flow.dims[argument]):
            flow.block(node, argument, dims, reason_for(operation(node)))
    return _fixed(node.meta.get("val"))


def _number(node: fx.Node) -> Any:
    """The number that a node stands for, where it is known; else the node."""
    value = node.meta.get("val")
    if isinstance(value, torch.SymInt):
        bounds = value.node.shape_env.bound_sympy(value.node.expr)
        value = int(bounds.lower) if bounds.lower == bounds.upper else None
    return value if isinstance(value, (int, float)) else node


def _is_size(node: fx.Node) -> bool:
    return isinstance(node.meta.get("val"), torch.SymInt)


def _origins(flow: Flow, node: fx.Node) -> frozenset[str] | None:
    """Names of the tensors that a node is calculated from; ``None`` where it depends on an input."""
    if node.op == "placeholder":
        return None
    if node.op == "get_attr":
        name = flow.trace.tensors.get(str(node.target))
        return frozenset() if name is None else frozenset([name])
    parts = [flow.origins[source] for source in node.all_input_nodes]
    return frozenset().union(*(part for part in parts if part is not None)) if None not in parts else None


def _note_blocker(flow: Flow, node: fx.Node) -> None:
    """A node whose dimensions are all fixed passes on the reason; one with labels has none."""
    if any(vector is not None for dims in _leaves(flow.dims[node]) for vector in dims):
        flow.blockers.pop(node, None)
    elif node not in flow.blockers:
        before = [flow.blockers[source] for source in node.all_input_nodes if source in flow.blockers]
        if before:
            flow.blockers[node] = before[0]


def _leaves(dims: Labelled) -> list[Dims]:
    return [leaf for part in dims for leaf in _leaves(part)] if isinstance(dims, list) else [dims]


def _fixed(value: object) -> Labelled:
    if isinstance(value, (tuple, list)):
        return [_fixed(part) for part in value]
    return (None,) * value.dim() if isinstance(value, Tensor) else ()


def _tensor_dims(flow: Flow, module: nn.Module, node: fx.Node) -> Dims:
    value = attribute_of(node)
    if not isinstance(value, Tensor):
        return ()
    name = flow.trace.tensors.get(str(node.target))
    if name is None:  # a constant made in forward: it cannot be cut, so its channels cannot be dropped
        return (None,) * value.dim()
    if name not in flow.parameters:
        channels = 2 if value.dim() > 2 and _is_kernel(module, name, value) else value.dim()
        flow.parameters[name] = tuple(
            flow.labels.fresh(size) if dimension < channels else None for dimension, size in enumerate(value.shape)
        )
    return flow.parameters[name]


def _is_kernel(module: nn.Module, name: str, value: Tensor) -> bool:
    """Whether a tensor has the rank of its layer's kernel, whose taps are no channels however it is calculated."""
    layer = module.get_submodule(owner_of(name))
    return isinstance(layer, nn.modules.conv._ConvNd) and value.dim() == 2 + len(layer.kernel_size)


def _freeze_outputs(flow: Flow, module: nn.Module, node: fx.Node) -> None:
    """Shapes of outputs are part of the call signature, except those that may shrink, such as states."""
    leaves = tree_leaves(node.args)
    for position in kept_outputs(flow, module):
        output = leaves[position]
        for dims in _leaves(flow.dims[output]) if isinstance(output, fx.Node) else ():
            flow.freeze(node, dims, "these channels are the module's output")


def _keep_attributes_single(flow: Flow) -> None:
    """An attribute that states several sizes has one value: tie the dimensions whose size it states."""
    first: dict[Place, Vector] = {}
    for node, slots in flow.size_slots.items():
        for size, vector in matched_sizes(flow.trace.sizes.get(node, ()), slots):
            if not size.plain:
                continue
            place = size.places[0]
            other = first.setdefault(place, vector)
            if other is not vector and (other is None or vector is None or len(other) == len(vector)):
                flow.tie(node, other, vector, f"one attribute, {place[1]}, states this size and another")


def _keep_attention_square(flow: Flow, module: nn.Module) -> None:
    """``nn.MultiheadAttention`` has as many features inside as outside: tie them."""
    for name, part in module.named_modules():
        weight = flow.parameters.get(f"{name}.in_proj_weight") if isinstance(part, nn.MultiheadAttention) else None
        if weight is not None:
            rows, columns = weight
            reason = Reason(name, "multi_head_attention", "torch's attention has one width inside and outside")
            for start in range(0, 3 * part.embed_dim, part.embed_dim):
                flow.labels.tie(columns, None if rows is None else rows[start : start + part.embed_dim], reason)
