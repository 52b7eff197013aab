"""Numbers that follow the width of a channel group.

Examples: ``head_dim ** -0.5``, the counts of a cumulative norm, the divisor of a mean that is written as a sum.

In the graph they are constants. The pruned module calculates them again from its own width, so the masked model has to
scale them by the share of channels that its masks keep. They are found by tracing a module after a trial cut and
comparing the constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from .arrays import Bools, Floats, Ints
from .graph.flow import Arguments, Flow, Masked, Site, operation
from .graph.trace import Trace, attribute_of, trace
from .structure import Structure

#: a number may follow the width of a group as one of these powers of the kept share
_POWERS = (1.0, -1.0, 0.5, -0.5, 2.0, -2.0)
_SCALED = {"mul", "div", "arange", "full", "scalar_tensor", "true_divide", "multiply", "divide"}


def follow_widths(structure: Structure, pruned: nn.Module, kept: Bools) -> Structure | None:
    """The structure with sites for numbers that follow the width of a channel group; ``None`` if there are none.

    Args:
        structure: groups of the dense module.
        pruned: the module after a trial cut.
        kept: the channels that the trial cut kept, a different share of every group.

    Shape:
        - kept: ``(channels,)``
    """
    shares: Floats = structure.counts(kept) / structure.sizes
    flows = [replace(flow, sites=flow.sites | _sites(structure, flow, pruned, shares)) for flow in structure.flows]
    if all(len(new.sites) == len(old.sites) for new, old in zip(flows, structure.flows, strict=True)):
        return None
    return replace(structure, flows=tuple(flows))


def _sites(structure: Structure, flow: Flow, pruned: nn.Module, shares: Floats) -> dict[fx.Node, Site]:
    """Sites of one flow for numbers that follow the width of a group."""
    found: dict[fx.Node, Site] = {}
    for node, ratio in _changed(flow.trace, trace(pruned, flow.trace.call)):
        law = None if node in flow.sites else _law(structure, flow, found, node, shares, ratio)
        if law is not None:
            group, power = law
            found[node] = Site((_channels(structure, flow, group),), _scaled(node, power))
    return found


def _changed(dense: Trace, pruned: Trace) -> Iterator[tuple[fx.Node, float]]:
    """Nodes whose constant differs between the two graphs, with the ratio of the constants."""
    own, others = (_nodes(item) for item in (dense, pruned))
    if [operation(node) for node in own] != [operation(node) for node in others]:
        return
    for node, other in zip(own, others, strict=True):
        if node.op == "get_attr":
            first, second = attribute_of(node), attribute_of(other)
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
        and isinstance(attribute_of(node), Tensor)
    ]


def _numbers(node: fx.Node) -> Sequence[float]:
    """Numbers among a node's arguments that are not sizes."""
    values = node.args[1:] if operation(node) in ("full",) else node.args
    return [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]


def _law(
    structure: Structure, flow: Flow, found: dict[fx.Node, Site], node: fx.Node, shares: Floats, ratio: float
) -> tuple[int, float] | None:
    """The group and the power of its share that give this ratio; of several groups, the one nearest in the graph.

    Args:
        structure: the channel groups.
        flow: the flow that the node belongs to.
        found: sites that were found for earlier nodes.
        node: where the constants differ.
        shares: kept share of every group.
        ratio: of the constants.
    """
    sites = flow.sites | found
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
        near = {group for item in border for group in _groups_at(structure, flow, sites.get(item), item)} & laws.keys()
        if near:
            return min(near), laws[min(near)]
        border = [item for known in border for item in (*known.all_input_nodes, *known.users) if item not in seen]
        border = list(dict.fromkeys(border))
        seen.update(border)
    return None


def _groups_at(structure: Structure, flow: Flow, site: Site | None, node: fx.Node) -> set[int]:
    """Groups whose channels a node's tensor has or sums over."""
    dims = flow.dims.get(node, ())
    vectors = [*(dims if isinstance(dims, tuple) else ()), *(() if site is None else site.vectors)]
    numbers = [structure.numbered(vector) for vector in vectors]
    return {
        int(structure.group_of[number - 1])
        for item in numbers
        if item is not None
        for number in np.unique(item)
        if number
    }


def _channels(structure: Structure, flow: Flow, group: int) -> Ints:
    """One label for each of a group's channels."""
    name, dimension, _ = structure.groups[group].members[0]
    settled = structure.labels.settle(flow.parameters[name][dimension])
    numbers = structure.numbered(settled)
    if settled is None or numbers is None:
        raise ValueError(f"no channel of {structure.groups[group].id} is free in dimension {dimension} of {name}")
    _, first = np.unique(numbers, return_index=True)
    return settled[[index for index in first if structure.group_of[numbers[index] - 1] == group and numbers[index]]]


def _scaled(node: fx.Node, power: float) -> Masked:
    """Run a node with its number multiplied by a power of the share of channels that the mask keeps."""
    divisor = operation(node) in ("div", "true_divide", "divide")

    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        factor = masks[0].mean() ** (-power if divisor else power)
        return (target if isinstance(target, Tensor) else target(**arguments)) * factor

    return run
