"""Channel groups: channels of several layers that are kept or dropped together, found in a module's graph."""

from __future__ import annotations

import fnmatch
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from .arrays import Bools, Ints
from .graph.call import Call
from .graph.flow import Flow
from .graph.follow import follow
from .graph.labels import Labels, Reason, Vector
from .graph.trace import label_of, owner_of, trace

_Value = TypeVar("_Value", bound=np.generic)


@dataclass(frozen=True)
class Group:
    """Channels that each occur in the same dimensions of the same tensors.

    Attributes:
        id: name of the layer that produces the channels, or of the parameter where no layer does; with a number where
            there are several such groups.
        channels: how many can be dropped, each with all that is tied to it.
        unit: channels of the layer ``id`` that are dropped with each of them: 1, or more where they can only be dropped
            together, as those of one group of a grouped convolution.
        members: tensor name, dimension, and how often a channel occurs there (four times for an LSTM's gates).
        layers: the layers that the tensors belong to.
    """

    id: str
    channels: int
    unit: int
    members: tuple[tuple[str, int, int], ...]
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Branch:
    """A residual branch that can be removed whole, see :mod:`~sepprune.pruning.branches`.

    Attributes:
        module: name of the submodule that returns its input plus the branch.
        groups: indices of the groups inside of it, or of its state.
        free: those groups of which one has to be empty for the branch to add nothing but ``bias``.
        bias: the submodule's parameter that is still added then; ``None`` if nothing is added.
        dimension: dimension of the output that the bias belongs to; negative.
        state: whether the submodule also takes and returns a state.
    """

    module: str
    groups: tuple[int, ...]
    free: tuple[int, ...]
    bias: str | None
    dimension: int
    state: bool = False


@dataclass(frozen=True)
class Structure:
    """Channel groups of a module, with the graphs that they were found in.

    Channels are numbered from 1 through all groups; 0 stands for an index that is never dropped.

    Attributes:
        module: the module, as given.
        flows: one per traced example; costs are counted on the first.
        groups: groups that may be pruned.
        blocked: why other channels may not be pruned.
        numbers: channel number by label representative.
        branches: branches that may be removed whole; empty where that was not requested.
    """

    module: nn.Module
    flows: tuple[Flow, ...]
    groups: tuple[Group, ...]
    blocked: tuple[Reason, ...]
    numbers: Ints
    branches: tuple[Branch, ...] = ()

    @property
    def removable(self) -> list[int]:
        """Indices of groups that may be empty."""
        return [group for branch in self.branches for group in branch.free]

    @property
    def labels(self) -> Labels:
        """Labels of the traced tensors."""
        return self.flows[0].labels

    @property
    def sizes(self) -> Ints:
        """Channels of every group."""
        return np.array([group.channels for group in self.groups], dtype=np.int64)

    @property
    def group_of(self) -> Ints:
        """Group index of every channel, channel number 1 first."""
        return np.repeat(np.arange(len(self.groups)), self.sizes)

    def counts(self, kept: Bools) -> Ints:
        """How many channels every group keeps.

        Shape:
            - kept: ``(channels,)``
            - result: ``(groups,)``
        """
        return np.bincount(self.group_of[kept], minlength=len(self.groups))

    def by_group(self, values: NDArray[_Value]) -> list[NDArray[_Value]]:
        """Values of all channels, ``(channels,)``, as one array per group."""
        return np.split(values, np.cumsum(self.sizes)[:-1])

    def numbered(self, vector: Vector) -> Ints | None:
        """Channel numbers along a dimension; ``None`` where it has no channel of a group."""
        settled = self.labels.settle(vector)
        if settled is None:
            return None
        known = settled < len(self.numbers)
        numbers = np.where(known, self.numbers[np.where(known, settled, 0)], 0)
        return numbers if numbers.any() else None

    def without(self, unsafe: Mapping[str, Reason]) -> Structure:
        """The structure without these groups, given by id with the reason."""
        stays = np.array([group.id not in unsafe for group in self.groups], dtype=bool)
        channel_stays = np.repeat(stays, self.sizes)
        renumbered = np.concatenate([[0], np.where(channel_stays, np.cumsum(channel_stays), 0)])
        return replace(
            self,
            groups=tuple(group for group in self.groups if group.id not in unsafe),
            blocked=(*self.blocked, *unsafe.values()),
            numbers=renumbered[self.numbers],
            branches=(),
        )


def discover(
    module: nn.Module,
    examples: Sequence[tuple[Any, ...] | Call],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    keep_outputs: Sequence[int | str] | None = None,
) -> Structure:
    """Find the channel groups of any module.

    Args:
        module: it is not changed.
        examples: arguments to trace with; one is enough where the computation does not depend on their shapes.
        include: where given, only groups with a layer whose name, or that of a module that contains it, matches one of
            these patterns (``network.*``).
        exclude: no group with such a layer.
        keep_outputs: positions or keys of the outputs whose shapes are kept; others, such as states, may lose channels.

    Raises:
        UserError: the module does not run on an example or cannot be exported.
    """
    flows: list[Flow] = []
    kept = None if keep_outputs is None else tuple(keep_outputs)
    for inputs in examples:
        flows.append(follow(module, trace(module, inputs), flows[-1] if flows else None, kept))
    return _assemble(module, flows, include, exclude)


def _assemble(module: nn.Module, flows: Sequence[Flow], include: Sequence[str], exclude: Sequence[str]) -> Structure:
    """Groups of the labels that stayed free."""
    flow = flows[0]
    occurrences: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
    for name, dims in flow.parameters.items():
        for dimension, vector in enumerate(dims):
            settled = flow.labels.settle(vector)
            if settled is None:
                continue
            found, first, counts = np.unique(settled, return_index=True, return_counts=True)
            order = np.argsort(first)  # labels in the order of the dimension, as their channels are numbered
            for label, count in zip(found[order].tolist(), counts[order].tolist(), strict=True):
                if label:
                    occurrences[label].append((name, dimension, count))
    alike: dict[tuple[tuple[str, int, int], ...], list[int]] = defaultdict(list)
    for label, places in occurrences.items():
        alike[tuple(places)].append(label)

    groups: list[Group] = []
    numbers = np.zeros(max(occurrences, default=0) + 1, dtype=np.int64)
    next_number = 1
    ids: Counter[str] = Counter()
    for members, labels in alike.items():
        layers = tuple(dict.fromkeys(label_of(name) for name, _, _ in members))
        producers = _producers(module, flow, members)
        if len(labels) < 2 or not producers or not _wanted(layers, include, exclude):
            continue
        ids[producers[0]] += 1
        name = producers[0] + (f":{ids[producers[0]]}" if ids[producers[0]] > 1 else "")
        groups.append(Group(name, len(labels), _unit(producers[0], members), members, layers))
        numbers[labels] = np.arange(next_number, next_number + len(labels))
        next_number += len(labels)
    return Structure(module, tuple(flows), tuple(groups), _blocked(flow), numbers)


def _producers(module: nn.Module, flow: Flow, members: Sequence[tuple[str, int, int]]) -> list[str]:
    """What produces these channels; empty where no layer has them as channels.

    Layers that produce them come first. Where no layer does, the channels come from parameters that forward uses by
    themselves, such as a table that is added. Layers that only read the channels name a group if nothing else does.
    """
    places = [(name, dimension) for name, dimension, _ in members]
    tables = (flow.channels, flow.calculated)
    made = [table[place] for table in tables for place in places if place in table and place in flow.made]
    read = [table[place] for table in tables for place in places if place in table]
    own = [label_of(name) for name, _ in places if read and not _is_of_torch(module.get_submodule(owner_of(name)))]
    return made or own or read


def _unit(layer: str, members: Sequence[tuple[str, int, int]]) -> int:
    """How many channels of a layer are dropped together.

    A hidden unit of a recurrent layer has rows of several gates, but one column of the recurrence.
    """
    return min(count for name, _, count in members if label_of(name) == layer)


def _is_of_torch(part: nn.Module) -> bool:
    """Whether a part of a module is a layer of torch, whose parameters it uses itself."""
    own = isinstance(part, (nn.ParameterList, nn.ParameterDict))  # their parameters are for others to use
    return type(part).__module__.startswith("torch.nn.modules.") and not own


def _wanted(layers: Sequence[str], include: Sequence[str], exclude: Sequence[str]) -> bool:
    def matches(patterns: Sequence[str]) -> bool:
        return any(is_named(layer, pattern) for layer in layers for pattern in patterns)

    return (not include or matches(include)) and not matches(exclude)


def is_named(layer: str, pattern: str) -> bool:
    """Whether a pattern matches the name of a layer, or of a module that contains it.

    >>> is_named("network.0.expand", "network"), is_named("network.0.expand", "network.1")
    (True, False)
    """
    parts = layer.split(".")
    return any(fnmatch.fnmatchcase(".".join(parts[:length]), pattern) for length in range(1, len(parts) + 1))


def _blocked(flow: Flow) -> tuple[Reason, ...]:
    """Reasons that keep whole channel dimensions of layers from being pruned."""
    reasons: dict[Reason, None] = {}
    for (name, dimension), layer in flow.channels.items():
        dims = flow.parameters.get(name)
        if dims is None or dims[dimension] is None:
            continue
        reason = flow.labels.reason(dims[dimension])
        if reason is not None:
            reasons.setdefault(Reason(layer, reason.op, f"{reason.why} ({reason.layer or 'the module itself'})"))
    return tuple(reasons)
