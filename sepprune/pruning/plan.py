"""The pruning plan: what is kept, why, and the edits that make it so.

A plan is data. :meth:`PruningPlan.apply` cuts a freshly built module of the original class without tracing it, in
milliseconds, and gives the module into which the pruned weights fit.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from .graph.trace import tensor_attributes

FORMAT = "sepprune-plan"
VERSION = 1


@dataclass(frozen=True)
class Cut:
    """Indices to keep along one dimension of a parameter, buffer or tensor attribute."""

    tensor: str
    dimension: int
    keep: tuple[int, ...]


@dataclass(frozen=True)
class SizeEdit:
    """An integer attribute that states a size: a module's name, attribute, indices into tuples, the new value."""

    module: str
    attribute: str
    index: tuple[int, ...]
    value: int


@dataclass(frozen=True)
class Removal:
    """A residual branch that is gone.

    Attributes:
        module: name of the submodule.
        bias: its parameter that is still added to the input, ``None`` where nothing is.
        dimension: of the output, along which the bias runs; negative.
        state: whether the submodule returns a state besides, which is left empty.
    """

    module: str
    bias: str | None
    dimension: int
    state: bool = False


@dataclass(frozen=True)
class GroupPlan:
    """What is kept of a channel group.

    Attributes:
        id: the group's name.
        channels: channels before pruning.
        keep: indices of those that stay.
        scores: what ranked the channels: mask logits, or the importance that a rival gave them.
    """

    id: str
    channels: int
    keep: tuple[int, ...]
    scores: tuple[float, ...]

    def then(self, later: GroupPlan) -> GroupPlan:
        """What is left of the group after a second cut, whose channels are those that this one keeps."""
        scores = list(self.scores)
        for channel, score in zip(self.keep, later.scores, strict=True):
            scores[channel] = score
        return GroupPlan(self.id, self.channels, tuple(self.keep[index] for index in later.keep), tuple(scores))


@dataclass(frozen=True)
class PruningPlan:
    """A pruned model's difference from the original class.

    Attributes:
        module: class name of the module that was planned for.
        method: ``sepprune`` or a rival's name.
        budget: what was asked for, as ``{"macs": 0.5}``.
        seed: of everything random.
        groups: kept channels.
        cuts, sizes, removals: the edits, which alone :meth:`apply` needs.
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
        """A pruned copy of a module of the original class; every surviving parameter and buffer is inherited.

        Raises:
            UserError: the module is not of the shape that the plan was made for.
        """
        return edited(module, self.cuts, self.sizes, self.removals)

    def then(self, later: PruningPlan) -> PruningPlan:
        """This plan and one that was made for the module that it leaves, as one plan for the original class.

        Of channels that both plans ranked the later scores are kept, of channels that the first one dropped its own.
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
        """As plain data."""
        return {"format": FORMAT, "version": VERSION, **json.loads(json.dumps(asdict(self)))}

    @staticmethod
    def from_json(data: dict[str, Any]) -> PruningPlan:
        """From what :meth:`to_json` gave.

        Raises:
            UserError: it is something else.
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
        """Write the plan as JSON, whole or not at all."""
        path = Path(path)
        temporary = path.with_name(path.name + ".part")
        temporary.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")
        os.replace(temporary, path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> PruningPlan:
        """Read a plan.

        Raises:
            UserError: the file cannot be read or is no plan.
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


class Bypass(nn.Module):
    """What is left of a submodule whose residual branch is gone: its input, plus a bias where the branch ended in one.

    With ``state`` it hands on what it is given besides, which is empty.

    Shape:
        - features and output: any with ``bias``'s channels along ``dimension``
    """

    def __init__(self, bias: Tensor | None, dimension: int, state: bool = False) -> None:
        super().__init__()
        self.dimension, self.state = dimension, state
        self.register_parameter("bias", None if bias is None else nn.Parameter(bias.detach().clone()))

    def forward(self, features: Tensor, *others: Any) -> Any:
        if self.bias is not None:
            features = features + self.bias.view(-1, *([1] * (-1 - self.dimension)))
        return (features, *others) if self.state else features


def edited(
    module: nn.Module, cuts: Sequence[Cut], sizes: Sequence[SizeEdit], removals: Sequence[Removal] = ()
) -> nn.Module:
    """A copy of ``module`` without these branches, with these tensors cut and these sizes corrected."""
    return cut_sizes(cut_tensors(remove(copy.deepcopy(module), removals), cuts), sizes)


def remove(module: nn.Module, removals: Sequence[Removal]) -> nn.Module:
    """Put :class:`Bypass` in the place of branches, in place; returns the module.

    Raises:
        UserError: the module has no such submodule or parameter.
    """
    for removal in removals:
        path, _, last = removal.module.rpartition(".")
        try:
            branch = module.get_submodule(removal.module)
            bias = None if removal.bias is None else branch.get_parameter(removal.bias)
        except AttributeError as error:
            raise UserError(
                f"the pruning plan removes {removal.module}, which {type(module).__name__} does not have "
                f"as it was ({error}): apply it to the class and settings that it was made for"
            ) from error
        bypass = Bypass(bias, removal.dimension, removal.state).train(branch.training)
        setattr(module.get_submodule(path), last, bypass.requires_grad_(bias is None or bias.requires_grad))
    return module


def cut_tensors(module: nn.Module, cuts: Sequence[Cut]) -> nn.Module:
    """Cut tensors of ``module`` in place, shared ones under all their names at once; returns the module."""
    owners: dict[int, list[tuple[nn.Module, str]]] = {}
    named: dict[str, Tensor] = {}
    for name, value in tensor_attributes(module):
        named[name] = value
        path, _, last = name.rpartition(".")
        owners.setdefault(id(value), []).append((module.get_submodule(path), last))
    by_tensor: dict[str, list[Cut]] = {}
    for cut in cuts:
        by_tensor.setdefault(cut.tensor, []).append(cut)
    for name, its_cuts in by_tensor.items():
        value = named.get(name)
        if value is None:
            raise UserError(
                f"the pruning plan cuts {name}, which {type(module).__name__} does not have: "
                "apply it to the class and settings that it was made for"
            )
        result = value.detach()
        for cut in its_cuts:
            last = max(cut.keep, default=-1)
            if cut.dimension >= result.dim() or last >= result.shape[cut.dimension]:
                raise UserError(
                    f"the pruning plan keeps index {last} of dimension {cut.dimension} of {name}, "
                    f"whose shape is {tuple(value.shape)}: apply it to the class and settings that it "
                    "was made for"
                )
            result = result.index_select(cut.dimension, torch.tensor(cut.keep, dtype=torch.long, device=result.device))
        if isinstance(value, nn.Parameter):
            result = nn.Parameter(result, requires_grad=value.requires_grad)
        for owner, attribute in owners[id(value)]:
            setattr(owner, attribute, result)
    return module


def cut_sizes(module: nn.Module, sizes: Sequence[SizeEdit]) -> nn.Module:
    """Correct integer attributes of ``module`` in place; returns the module."""
    for edit in sizes:
        owner = module.get_submodule(edit.module)
        setattr(owner, edit.attribute, _replaced(getattr(owner, edit.attribute), edit.index, edit.value))
    return module


def _replaced(value: Any, index: Sequence[int], new: int) -> Any:
    if not index:
        return new
    parts = list(value)
    parts[index[0]] = _replaced(parts[index[0]], index[1:], new)
    return type(value)(parts)
