"""Numbers that follow the width: ``head_dim ** -0.5``, the counts of a cumulative norm, a sum over channels divided
by how many there are.

In the graph they are constants. The pruned module calculates them anew, so the masked model has to scale them with
what its masks keep. They are found by tracing a module that was cut on trial and comparing the constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from .graph.flow import Flow, Site, operation
from .graph.labels import Vector
from .graph.trace import Trace, trace
from .structure import Structure

_POWERS = (1.0, -1.0, 0.5, -0.5, 2.0, -2.0)
_SCALED = {"mul", "div", "arange", "full", "scalar_tensor", "true_divide", "multiply", "divide"}


def follow_widths(structure: Structure, pruned: nn.Module, kept: np.ndarray) -> bool:
    """Add sites for numbers that follow the width of a channel group.

    Args:
        structure: groups of the dense module; its flows get the sites.
        pruned: the module, cut on trial to ``kept``, so that groups keep different shares.

    Returns:
        whether any were found.
    """
    counts = np.bincount(structure.group_of[kept], minlength=len(structure.groups))
    shares = counts / structure.sizes
    found = False
    for flow in structure.flows:
        other = trace(pruned, flow.trace.inputs)
        for node, ratio in _changed(flow.trace, other):
            if node in flow.sites:
                continue
            law = _law(structure, flow, node, shares, ratio)
            if law is not None:
                group, power = law
                flow.sites[node] = Site((_channels(structure, flow, group),), _scaled(node, power))
                found = True
    return found


def _changed(dense: Trace, pruned: Trace) -> Iterator[tuple[fx.Node, float]]:
    """Nodes whose constant differs between the two graphs, and by what factor."""
    own, others = (_nodes(item) for item in (dense, pruned))
    if [operation(node) for node in own] != [operation(node) for node in others]:
        return
    for node, other in zip(own, others, strict=True):
        if node.op == "get_attr":
            first, second = (_value(item) for item in (node, other))
            if first.shape == second.shape and first.numel() and not torch.equal(first, second):
                ratios = (second.double() / first.double()).flatten()
                if torch.isfinite(ratios).all() and torch.allclose(ratios, ratios[0], rtol=1e-6):
                    yield node, float(ratios[0])
        elif operation(node) in _SCALED:
            pairs = [(a, b) for a, b in zip(_numbers(node), _numbers(other), strict=False) if a != b]
            ratios = {round(b / a, 9) for a, b in pairs if a}
            if len(ratios) == 1:
                yield node, ratios.pop()


def _nodes(item: Trace) -> list[fx.Node]:
    """Operations, and constants made in forward."""
    return [
        node
        for node in item.graph.graph.nodes
        if node.op == "call_function"
        or node.op == "get_attr"
        and node.target not in item.tensors
        and isinstance(_value(node), Tensor)
    ]


def _value(node: fx.Node) -> Any:
    value = node.graph.owning_module
    for part in node.target.split("."):
        value = getattr(value, part)
    return value


def _numbers(node: fx.Node) -> Sequence[float]:
    values = node.args[1:] if operation(node) in ("full",) else node.args
    return [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]


def _law(structure: Structure, flow: Flow, node: fx.Node, shares: np.ndarray, ratio: float) -> tuple[int, float] | None:
    """The group and the power of its share that give this factor; of several groups, the one nearest in the graph."""
    laws = {
        group: power
        for power in reversed(_POWERS)
        for group, share in enumerate(shares)
        if share < 1 and abs(share**power / ratio - 1) < 1e-6
    }
    if len(laws) < 2:
        return next(iter(laws.items()), None)
    seen, border = {node}, [node]
    while border:
        near = {group for item in border for group in _groups_at(structure, flow, item)} & laws.keys()
        if near:
            return min(near), laws[min(near)]
        border = [item for known in border for item in (*known.all_input_nodes, *known.users) if item not in seen]
        border = list(dict.fromkeys(border))
        seen.update(border)
    return None


def _groups_at(structure: Structure, flow: Flow, node: fx.Node) -> set[int]:
    """Groups whose channels a node's tensor has or sums over."""
    dims = flow.dims.get(node, ())
    vectors = [*(dims if isinstance(dims, tuple) else ()), *(flow.sites[node].vectors if node in flow.sites else ())]
    numbers = [structure.numbered(vector) for vector in vectors]
    return {
        int(structure.group_of[number - 1])
        for item in numbers
        if item is not None
        for number in np.unique(item)
        if number
    }


def _channels(structure: Structure, flow: Flow, group: int) -> Vector:
    """One label for each of a group's channels."""
    name, dimension, _ = structure.groups[group].members[0]
    settled = structure.labels.settle(flow.parameters[name][dimension])
    numbers = structure.numbered(settled)
    _, first = np.unique(numbers, return_index=True)
    return settled[[index for index in first if structure.group_of[numbers[index] - 1] == group and numbers[index]]]


def _scaled(node: fx.Node, power: float) -> Any:
    divisor = operation(node) in ("div", "true_divide", "divide")

    def run(target: Any, arguments: dict[str, Any], masks: Sequence[Tensor]) -> Any:
        factor = masks[0].mean() ** (-power if divisor else power)
        return (target if isinstance(target, Tensor) else target(**arguments)) * factor

    return run
