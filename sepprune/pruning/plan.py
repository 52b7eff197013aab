"""The pruning plan: which channels are kept, their scores, and the edits that remove the others.

A plan is data. :meth:`PruningPlan.apply` cuts a freshly built module of the original class in milliseconds, without
tracing it. The weights of the pruned model fit into the result.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import nn

from ..checked import LARGEST_JSON, Table, parse_json, read_limited, shown
from ..errors import UserError
from ..files import check_destination, write_whole
from .checks import instance_of_module
from .edits import Cut, Removal, SizeEdit, edited

FORMAT = "sepprune-plan"
VERSION = 1
#: largest index, count or size that is read, and longest name of a layer
_MOST, _LONGEST_NAME = 2**24, 500


@dataclass(frozen=True)
class GroupPlan:
    """What is kept of a channel group.

    Attributes:
        id: the group's name.
        channels: channels before pruning.
        keep: indices of the kept channels.
        scores: of all channels: mask logits, or the importance that a rival method gave them.
    """

    id: str
    channels: int
    keep: tuple[int, ...]
    scores: tuple[float, ...]

    def then(self, later: GroupPlan) -> GroupPlan:
        """This plan followed by one for the channels that it keeps, as one plan."""
        scores = list(self.scores)
        for channel, score in zip(self.keep, later.scores, strict=True):
            scores[channel] = score
        return GroupPlan(self.id, self.channels, tuple(self.keep[index] for index in later.keep), tuple(scores))


@dataclass(frozen=True)
class PruningPlan:
    """How a pruned model differs from the original class.

    Attributes:
        module: class name of the module that the plan was made for.
        method: name of the pruning method.
        budget: the requested budget, as ``{"macs": 0.5}``.
        seed: seed of the random numbers.
        groups: kept channels.
        cuts, sizes, removals: the edits; :meth:`apply` needs nothing else.
    """

    module: str
    method: str
    budget: dict[str, float]
    seed: int
    groups: tuple[GroupPlan, ...]
    cuts: tuple[Cut, ...]
    sizes: tuple[SizeEdit, ...] = field(default=())
    removals: tuple[Removal, ...] = field(default=())

    def apply(self, module: nn.Module) -> nn.Module:
        """A pruned copy of a module of the original class; all remaining parameters and buffers are inherited.

        Raises:
            UserError: the module is not of the shape that the plan was made for.
        """
        return edited(instance_of_module(module), self.cuts, self.sizes, self.removals)

    def then(self, later: PruningPlan) -> PruningPlan:
        """This plan followed by one for the module that it makes, as one plan for the original class.

        Channels that both plans scored keep the later score. Channels that this plan dropped keep its score.
        """
        inside = tuple(f"{removal.module}." for removal in later.removals)
        renamed = {f"{removal.module}.{removal.bias}": f"{removal.module}.bias" for removal in later.removals}
        keeps = {
            (renamed.get(cut.tensor, cut.tensor), cut.dimension): cut
            for cut in self.cuts
            if cut.tensor in renamed or not cut.tensor.startswith(inside)
        }
        for cut in later.cuts:
            first = keeps.get((cut.tensor, cut.dimension))
            keeps[cut.tensor, cut.dimension] = cut if first is None else first.then(cut)
        sizes = {
            (edit.module, edit.attribute, edit.index): edit
            for edit in self.sizes
            if not f"{edit.module}.".startswith(inside)
        }
        sizes |= {(edit.module, edit.attribute, edit.index): edit for edit in later.sizes}
        groups = {group.id: group for group in self.groups}
        groups |= {
            group.id: groups[group.id].then(group)
            if group.id in groups and len(groups[group.id].keep) == group.channels
            else group
            for group in later.groups
        }
        shares = [*self.budget.values(), *later.budget.values()]
        budget = (
            {kind: shares[0] * shares[1] for kind in later.budget}
            if self.budget.keys() == later.budget.keys()
            else later.budget
        )
        return PruningPlan(
            self.module,
            later.method,
            budget,
            later.seed,
            tuple(groups.values()),
            tuple(replace(cut, tensor=tensor) for (tensor, _), cut in keeps.items()),
            tuple(sizes.values()),
            self.removals + later.removals,
        )

    def to_json(self) -> dict[str, Any]:
        """The plan as plain data for JSON."""
        return {"format": FORMAT, "version": VERSION, **json.loads(json.dumps(asdict(self)))}

    @staticmethod
    def from_json(data: dict[str, Any]) -> PruningPlan:
        """The inverse of :meth:`to_json`.

        Raises:
            UserError: the data is not a pruning plan of this version.
        """
        table = Table(data, "this pruning plan", "use a file that sepprune prune wrote")
        if data.get("format") != FORMAT or data.get("version") != VERSION:
            raise UserError(
                f"this is {shown(data.get('format'))} version {shown(data.get('version'))}, expected {FORMAT} version "
                f"{VERSION}: use the release of sepprune that wrote it"
            )
        budget = table.table("budget")
        return PruningPlan(
            module=table.text("module"),
            method=table.text("method"),
            budget={kind: budget.number(kind) for kind in budget.data},
            seed=table.integer("seed", -(2**63), 2**64),
            groups=tuple(
                GroupPlan(
                    item.text("id", _LONGEST_NAME), item.integer("channels", 0, _MOST), _indices(item), _scores(item)
                )
                for item in table.tables("groups", _MOST)
            ),
            cuts=tuple(
                Cut(
                    item.text("tensor", _LONGEST_NAME),
                    item.integer("dimension", 0, 15),
                    _indices(item),
                    item.integer("size", 0, _MOST) if item.has("size") else 0,
                )
                for item in table.tables("cuts", _MOST)
            ),
            sizes=tuple(
                SizeEdit(
                    item.text("module", _LONGEST_NAME),
                    item.text("attribute", _LONGEST_NAME),
                    item.integers("index", 0, _MOST, 8),
                    item.integer("value", 0, _MOST),
                )
                for item in table.tables("sizes", _MOST)
            ),
            removals=tuple(_removal(item) for item in (table.tables("removals", _MOST) if "removals" in data else ())),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan as JSON. The file is replaced only when the new one is complete.

        Raises:
            UserError: it is a folder, or its folder does not exist or cannot be written.
            OSError: the disk is full. Nothing is left behind then.
        """
        check_destination("the pruning plan", os.fspath(path))
        write_whole(Path(path), (json.dumps(self.to_json(), indent=1) + "\n").encode())

    @staticmethod
    def load(path: str | os.PathLike[str]) -> PruningPlan:
        """Read a plan.

        Raises:
            UserError: the file cannot be read or is not a pruning plan.
        """
        advice = "use a pruning plan that sepprune prune wrote"
        return PruningPlan.from_json(parse_json(read_limited(Path(path), LARGEST_JSON, advice), str(path), advice))


def _removal(item: Table) -> Removal:
    module = item.text("module", _LONGEST_NAME)
    if not module:
        raise item.wrong("module", "the name of a branch")
    state = item.data.get("state", False)
    if not isinstance(state, bool):
        raise item.wrong("state", "true or false")
    bias = item.text("bias", _LONGEST_NAME) if item.has("bias") else None
    return Removal(module, bias, item.integer("dimension", -15, -1), state)


def _indices(item: Table) -> tuple[int, ...]:
    return item.integers("keep", 0, _MOST, _MOST)


def _scores(item: Table) -> tuple[float, ...]:
    scores = item.data.get("scores")
    if not isinstance(scores, list) or not all(type(score) in (int, float) for score in scores):
        raise item.wrong("scores", "a list of numbers")
    return tuple(scores)
