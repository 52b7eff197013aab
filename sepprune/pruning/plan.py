"""The pruning plan: which channels are kept, their scores, and the edits that remove the others.

A plan is data. :meth:`PruningPlan.apply` cuts a freshly built module of the original class in milliseconds, without
tracing it. The weights of the pruned model fit into the result.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from ..errors import UserError
from ..files import write_whole
from .edits import Cut, Removal, SizeEdit, edited

FORMAT = "sepprune-plan"
VERSION = 1


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
        return edited(module, self.cuts, self.sizes, self.removals)

    def then(self, later: PruningPlan) -> PruningPlan:
        """This plan followed by one for the module that it makes, as one plan for the original class.

        Channels that both plans scored keep the later score. Channels that this plan dropped keep its score.
        """
        inside = tuple(f"{removal.module}." for removal in later.removals)
        renamed = {f"{removal.module}.{removal.bias}": f"{removal.module}.bias" for removal in later.removals}
        keeps = {
            (renamed.get(cut.tensor, cut.tensor), cut.dimension): cut.keep
            for cut in self.cuts
            if cut.tensor in renamed or not cut.tensor.startswith(inside)
        }
        for cut in later.cuts:
            first = keeps.get((cut.tensor, cut.dimension))
            keeps[cut.tensor, cut.dimension] = cut.keep if first is None else tuple(first[index] for index in cut.keep)
        sizes = {
            (edit.module, edit.attribute, edit.index): edit
            for edit in self.sizes
            if not f"{edit.module}.".startswith(inside)
        }
        sizes |= {(edit.module, edit.attribute, edit.index): edit for edit in later.sizes}
        groups = {group.id: group for group in self.groups}
        groups |= {
            group.id: group if group.id not in groups else groups[group.id].then(group) for group in later.groups
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
            tuple(Cut(tensor, dimension, keep) for (tensor, dimension), keep in keeps.items()),
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
        try:
            if data["format"] != FORMAT or data["version"] != VERSION:
                raise UserError(
                    f"this is {data['format']} version {data['version']}, expected {FORMAT} version "
                    f"{VERSION}: use the release of sepprune that wrote it"
                )
            return PruningPlan(
                module=data["module"],
                method=data["method"],
                budget=dict(data["budget"]),
                seed=int(data["seed"]),
                groups=tuple(
                    GroupPlan(item["id"], item["channels"], tuple(item["keep"]), tuple(item["scores"]))
                    for item in data["groups"]
                ),
                cuts=tuple(Cut(item["tensor"], item["dimension"], tuple(item["keep"])) for item in data["cuts"]),
                sizes=tuple(
                    SizeEdit(item["module"], item["attribute"], tuple(item["index"]), item["value"])
                    for item in data["sizes"]
                ),
                removals=tuple(
                    Removal(item["module"], item["bias"], item["dimension"], item.get("state", False))
                    for item in data.get("removals", ())
                ),
            )
        except (KeyError, TypeError) as error:
            raise UserError(
                f"this is not a pruning plan: {error} is missing or of the wrong kind; "
                "use a file that sepprune prune wrote"
            ) from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan as JSON. The file is replaced only when the new one is complete."""
        write_whole(Path(path), (json.dumps(self.to_json(), indent=1) + "\n").encode())

    @staticmethod
    def load(path: str | os.PathLike[str]) -> PruningPlan:
        """Read a plan.

        Raises:
            UserError: the file cannot be read or is not a pruning plan.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"cannot read the pruning plan {path}: {error.strerror}") from error
        except ValueError as error:
            raise UserError(
                f"the pruning plan {path} is not JSON ({error}): use a file that sepprune prune wrote"
            ) from error
        return PruningPlan.from_json(data)
