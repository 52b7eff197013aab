"""Finding residual branches that can be removed whole.

In narrow models, fewer operators save more time than fewer channels.

A branch is a submodule that returns its first argument plus something. It can be removed when what it adds no longer
depends on the input once one of its channel groups is empty: then it adds zero, or the bias of its last layer. It may
also return a state one of whose dimensions is the channels of such a group, as causal blocks do; that state becomes
empty. Limits: a submodule that returns anything else (a skip path), or whose result is added outside of it, is not
found and keeps its floor of channels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from .arrays import Bools
from .graph.flow import Flow, operation, shape
from .graph.trace import modules_of
from .masked import MaskedModel
from .removals import without_branches
from .structure import Branch, Structure
from .surgery import agrees


def with_branches(structure: Structure) -> Structure:
    """The structure with the branches that can be removed; every removal is tried.

    Args:
        structure: groups whose removal is proven.
    """
    found = tuple(_found(structure))
    whole = replace(structure, branches=found)
    if agrees(whole, without_branches(whole, found)):
        return whole
    return replace(
        structure, branches=tuple(branch for branch in found if agrees(whole, without_branches(whole, [branch])))
    )


@dataclass(frozen=True)
class _Candidate:
    """A submodule that looks like a residual branch.

    Attributes:
        module: its name.
        added: what it adds to its input, one node per call.
        groups: indices of the groups inside of it, or of its state.
        state: whether it also returns a state.
    """

    module: str
    added: tuple[fx.Node, ...]
    groups: tuple[int, ...]
    state: bool


def _found(structure: Structure) -> Iterator[Branch]:
    """Candidates of which at least one group, when it is empty, leaves a constant."""
    flow, candidates = structure.flows[0], list(_candidates(structure))
    free: dict[str, list[int]] = defaultdict(list)
    ends: dict[str, tuple[str | None, int]] = {}
    for turn in range(max((len(candidate.groups) for candidate in candidates), default=0)):
        tried = [candidate for candidate in candidates if turn < len(candidate.groups)]
        kept = ~np.isin(structure.group_of, [candidate.groups[turn] for candidate in tried])
        values = _values_of(structure, flow, kept, [node for candidate in tried for node in candidate.added])
        for candidate in tried:
            constants = {_constant(structure, candidate.module, values[node]) for node in candidate.added}
            end = constants.pop()
            if not constants and end is not None and end == ends.setdefault(candidate.module, end):
                free[candidate.module].append(candidate.groups[turn])
    for candidate in candidates:
        inside = any(candidate.module.startswith(f"{other}.") for other in free)
        if free[candidate.module] and not inside:  # of nested branches the outermost is removed
            bias, dimension = ends[candidate.module]
            yield Branch(
                candidate.module, candidate.groups, tuple(free[candidate.module]), bias, dimension, candidate.state
            )


def _candidates(structure: Structure) -> Iterator[_Candidate]:
    """Submodules every call of which returns its input plus something, and maybe a state."""
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
        states = {group for _, groups in found for group in groups}
        groups = tuple(
            index
            for index, group in enumerate(structure.groups)
            if index in states or all(name.startswith(f"{module}.") for name, _, _ in group.members)
        )
        if module and groups and len(found) == len(its_results):
            yield _Candidate(module, tuple(node for node, _ in found), groups, bool(states))


def _result(structure: Structure, call: set[fx.Node]) -> tuple[fx.Node, set[int]] | None:
    """What a call of a submodule adds to its input, and the groups of the states that it also returns.

    ``None`` if the call does anything else.
    """
    results = [node for node in call if any(user not in call for user in node.users)]
    sums = [node for node in results if operation(node) == "add" and len(node.args) == 2]
    states = [_groups_of(structure, node) for node in results if node not in sums]
    if len(sums) != 1 or not all(states):
        return None
    inner = [item for item in sums[0].args if isinstance(item, fx.Node) and item in call]
    outer = [item for item in sums[0].args if isinstance(item, fx.Node) and item not in call]
    same = len(inner) == len(outer) == 1 and shape(inner[0]) == shape(outer[0]) and outer[0].op != "get_attr"
    return (inner[0], {group for groups in states for group in groups}) if same else None


def _groups_of(structure: Structure, state: fx.Node) -> set[int]:
    """Groups whose channels alone make up a dimension of a tensor."""
    dims = structure.flows[0].dims.get(state)
    along = [structure.numbered(vector) for vector in dims] if isinstance(dims, tuple) else []
    return {
        int(group)
        for numbers in along
        if numbers is not None and numbers.all()
        for group in structure.group_of[numbers - 1]
    }


def _values_of(structure: Structure, flow: Flow, kept: Bools, nodes: Sequence[fx.Node]) -> dict[fx.Node, Tensor]:
    """What the masked model computes at some nodes, whose results other nodes use."""
    wanted = set(nodes)
    values: dict[fx.Node, Tensor] = {}

    def note(node: fx.Node, known: Mapping[fx.Node, Any]) -> None:
        values.update({source: known[source] for source in node.all_input_nodes if source in wanted})

    with torch.no_grad():
        gates = torch.from_numpy(kept.astype(np.float32)).to(flow.trace.inputs[0].device)
        MaskedModel.of(structure, flow)(gates, *flow.trace.inputs, watch=note)
    return values


def _constant(structure: Structure, module: str, value: Tensor) -> tuple[str | None, int] | None:
    """The parameter that a tensor repeats, and along which dimension.

    ``(None, -1)`` for a tensor of zeros, ``None`` for a tensor that is no such constant.
    """
    if not value.any():
        return None, -1
    for name, parameter in structure.module.get_submodule(module).named_parameters():
        for dimension in range(-1, -value.dim(), -1) if parameter.dim() == 1 else ():
            expected = parameter.view(-1, *([1] * (-1 - dimension)))
            if parameter.shape[0] == value.shape[dimension] > 1 and torch.allclose(value, expected, atol=1e-6):
                return name, dimension
    return None
