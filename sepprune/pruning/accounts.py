"""Every layer with parameters is accounted for: its channels are in a group, or a reason says why they are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from .graph.flow import Flow
from .graph.labels import Reason
from .graph.trace import label_of
from .structure import Structure

#: operation in the reason for a layer that the caller left out
FILTERED = "filter"


def accounted(offered: Structure, proven: Structure, filtered: bool) -> Structure:
    """The proven structure, with a reason for every layer that is neither in a group nor blocked.

    Args:
        offered: the groups that the labels offer.
        proven: those of them that can be cut exactly.
        filtered: whether the caller included or excluded layers.
    """
    known = {layer for group in proven.groups for layer in group.layers} | {reason.layer for reason in proven.blocked}
    failed, used = _failed(offered, proven), _used(proven.flows[0])
    first = {id(value): name for name, value in reversed(list(proven.module.named_parameters()))}
    missing = {
        layer: [first[id(proven.module.get_parameter(name))] for name in names]
        for layer, names in _layers(proven.module).items()
        if names and layer not in known
    }
    reasons = (failed.get(layer) or _reason(proven, layer, names, used, filtered) for layer, names in missing.items())
    return replace(proven, blocked=(*proven.blocked, *reasons))


def without_channels(module: nn.Module) -> list[str]:
    """Names of the layers that have no channels, because each of their parameters is a single number."""
    return [layer for layer, names in _layers(module).items() if not names]


def _layers(module: nn.Module) -> dict[str, list[str]]:
    """Layers that own parameters, each with the names of those that have several values."""
    layers: dict[str, list[str]] = defaultdict(list)
    for name, parameter in module.named_parameters(remove_duplicate=False):
        layers[label_of(name)] += [name] if max(parameter.shape, default=1) > 1 else []
    return dict(layers)


def _failed(offered: Structure, proven: Structure) -> dict[str, Reason]:
    """Reasons for the layers of groups whose trial cut failed."""
    why = {reason.layer: reason for reason in proven.blocked if reason.op == "surgery"}
    return {
        layer: Reason(layer, "surgery", f"its channels are those of {group.id}: {why[group.id].why}")
        for group in offered.groups
        if group.id in why
        for layer in group.layers
    }


def _reason(structure: Structure, layer: str, names: Sequence[str], used: set[str], filtered: bool) -> Reason:
    """Why no channel of a layer is in a group, by the labels of its parameters.

    Args:
        structure: the channel groups.
        layer: that no group and no reason names.
        names: of its parameters; those that are shared under their first name.
        used: names of the tensors that an operation of the graph reads.
        filtered: whether the caller included or excluded layers.
    """
    flow = structure.flows[0]
    followed = [vector for name in names for vector in flow.parameters.get(name, ())]
    if not used.intersection(names):
        return Reason(layer, "unused", "forward does not use its parameters on this example")
    for vector in followed:
        reason = flow.labels.reason(vector)
        if reason is not None:
            return Reason(layer, reason.op, f"{reason.why} ({reason.layer or 'the module itself'})")
    if filtered and any(vector is not None for vector in followed):
        return Reason(layer, FILTERED, "include or exclude leaves this layer out")
    return Reason(layer, "shape", "it has no dimension of two or more channels that a layer produces and can lose")


def _used(flow: Flow) -> set[str]:
    """Names of the tensors that an operation of the graph reads."""
    nodes = (node for node in flow.trace.graph.graph.nodes if node.op == "get_attr" and node.users)
    return {flow.trace.tensors[str(node.target)] for node in nodes if str(node.target) in flow.trace.tensors}
