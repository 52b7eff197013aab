"""Residual branches that can be removed whole: fewer operators, which is what saves time on narrow models.

A branch is a submodule that returns its first argument plus something, and what it adds does not depend on the input
any more once one of its channel groups is empty: it is zero, or the bias of its last layer. It may return a state
besides, one of whose dimensions is channels of such a group, as causal blocks do: an empty one is left of it, and those
who read it have nothing to read. Limits: a submodule that returns anything else besides (a skip path), or whose result
is added outside of it, is not found and keeps its floor of channels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from .graph.flow import Flow, operation, shape
from .graph.trace import modules_of
from .masked import MaskedModel
from .plan import Removal
from .structure import Branch, Structure


def with_branches(structure: Structure) -> Structure:
    """The structure with the branches that can be removed, each tried once.

    Args:
        structure: groups whose removal is proven.
    """
    from .surgery import agrees

    found = tuple(_found(structure))
    whole = replace(structure, branches=found)
    if agrees(whole, _without(whole, found)):
        return whole
    return replace(structure, branches=tuple(branch for branch in found if agrees(whole, _without(whole, [branch]))))


def close_branches(structure: Structure, kept: np.ndarray) -> np.ndarray:
    """Kept channels without those of branches that are removed; a branch goes when a group that opens it is empty.

    Shape:
        - kept and result: ``(channels,)`` booleans
    """
    return kept & _without(structure, _removed(structure, kept))


def removals(structure: Structure, kept: np.ndarray) -> tuple[Removal, ...]:
    """The branches that go with these kept channels."""
    return tuple(
        Removal(branch.module, branch.bias, branch.dimension, branch.state) for branch in _removed(structure, kept)
    )


def _removed(structure: Structure, kept: np.ndarray) -> list[Branch]:
    counts = np.bincount(structure.group_of[kept], minlength=len(structure.groups))
    return [branch for branch in structure.branches if any(counts[group] == 0 for group in branch.free)]


def _without(structure: Structure, branches: Sequence[Branch]) -> np.ndarray:
    """All channels but those inside of these branches."""
    return ~np.isin(structure.group_of, [group for branch in branches for group in branch.groups])


@dataclass(frozen=True)
class _Candidate:
    """A submodule that looks like a residual branch: what it adds, one node a call, its groups, maybe a state."""

    module: str
    added: tuple[fx.Node, ...]
    groups: tuple[int, ...]
    state: bool


def _found(structure: Structure) -> Iterator[Branch]:
    flow, candidates = structure.flows[0], list(_candidates(structure))
    free: dict[str, list[int]] = defaultdict(list)
    ends: dict[str, set[tuple[str | None, int]]] = {}
    for turn in range(max((len(candidate.groups) for candidate in candidates), default=0)):
        tried = [candidate for candidate in candidates if turn < len(candidate.groups)]
        kept = ~np.isin(structure.group_of, [candidate.groups[turn] for candidate in tried])
        values = _watch(structure, flow, kept, [node for candidate in tried for node in candidate.added])
        for candidate in tried:
            end = {_constant(structure, candidate.module, values[node]) for node in candidate.added}
            if len(end) == 1 and None not in end and end == ends.setdefault(candidate.module, end):
                free[candidate.module].append(candidate.groups[turn])
    for candidate in candidates:
        inside = any(candidate.module.startswith(f"{other}.") for other in free)
        if free[candidate.module] and not inside:  # the outermost of nested branches goes whole
            ((bias, dimension),) = ends[candidate.module]
            yield Branch(
                candidate.module, candidate.groups, tuple(free[candidate.module]), bias, dimension, candidate.state
            )


def _candidates(structure: Structure) -> Iterator[_Candidate]:
    calls: dict[tuple[str, ...], list[fx.Node]] = defaultdict(list)
    for node in structure.flows[0].trace.graph.graph.nodes:
        modules = modules_of(node) if node.op == "call_function" else ()
        for depth in range(1, len(modules) + 1):
            calls[modules[:depth]].append(node)
    results: dict[str, list[tuple[fx.Node, set[int]] | None]] = defaultdict(list)
    for modules, nodes in calls.items():
        results[modules[-1].split("@")[0]].append(_result(structure, set(nodes)))
    for module, its_results in results.items():
        found = [result for result in its_results if result is not None]
        states = set().union(*(groups for _, groups in found))
        groups = tuple(
            index
            for index, group in enumerate(structure.groups)
            if index in states or all(name.startswith(f"{module}.") for name, _, _ in group.members)
        )
        if module and groups and len(found) == len(its_results):
            yield _Candidate(module, tuple(node for node, _ in found), groups, bool(states))


def _result(structure: Structure, call: set[fx.Node]) -> tuple[fx.Node, set[int]] | None:
    """What a call of a submodule adds to what came from outside, and the groups of the states that it returns besides.

    ``None`` where it does anything else.
    """
    results = [node for node in call if any(user not in call for user in node.users)]
    sums = [node for node in results if operation(node) == "add" and len(node.args) == 2]
    states = [_groups_of(structure, node) for node in results if node not in sums]
    if len(sums) != 1 or not all(states):
        return None
    inner = [item for item in sums[0].args if isinstance(item, fx.Node) and item in call]
    outer = [item for item in sums[0].args if isinstance(item, fx.Node) and item not in call]
    same = len(inner) == len(outer) == 1 and shape(inner[0]) == shape(outer[0]) and outer[0].op != "get_attr"
    return (inner[0], set().union(*states)) if same else None


def _groups_of(structure: Structure, state: fx.Node) -> set[int]:
    """The groups whose channels are one whole dimension of a tensor; none where anything else is among them."""
    dims = structure.flows[0].dims.get(state)
    along = [structure.numbered(vector) for vector in dims] if isinstance(dims, tuple) else []
    return {
        int(group)
        for numbers in along
        if numbers is not None and numbers.all()
        for group in structure.group_of[numbers - 1]
    }


class _Listener(MaskedModel):
    """Keeps what some nodes give."""

    def __init__(self, structure: Structure, flow: Flow, nodes: Sequence[fx.Node]) -> None:
        super().__init__(structure, flow)
        self.wanted, self.values = set(nodes), {}

    def run_node(self, node: fx.Node) -> Any:
        result = super().run_node(node)
        if node in self.wanted:
            self.values[node] = result
        return result


def _watch(structure: Structure, flow: Flow, kept: np.ndarray, nodes: Sequence[fx.Node]) -> dict[fx.Node, Tensor]:
    listener = _Listener(structure, flow, nodes)
    with torch.no_grad():
        gates = torch.from_numpy(kept.astype(np.float32)).to(flow.trace.inputs[0].device)
        listener(gates, *flow.trace.inputs)
    return listener.values


def _constant(structure: Structure, module: str, value: Tensor) -> tuple[str | None, int] | None:
    """The parameter that a tensor repeats, and along which dimension; ``(None, -1)`` for zero, ``None`` otherwise."""
    if not value.any():
        return None, -1
    for name, parameter in structure.module.get_submodule(module).named_parameters():
        for dimension in range(-1, -value.dim(), -1) if parameter.dim() == 1 else ():
            expected = parameter.view(-1, *([1] * (-1 - dimension)))
            if parameter.shape[0] == value.shape[dimension] > 1 and torch.allclose(value, expected, atol=1e-6):
                return name, dimension
    return None
