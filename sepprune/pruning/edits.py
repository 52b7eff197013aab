"""The edits that make a pruned module: tensors that are cut, sizes that are corrected, branches that are removed.

Edits are data. They are applied to a freshly built module of the original class without tracing it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from .calculated import copied, recalculate
from .graph.trace import tensor_attributes


@dataclass(frozen=True)
class Cut:
    """Indices to keep along one dimension of a parameter, buffer or tensor attribute.

    Attributes:
        tensor: its name.
        dimension: which one.
        keep: the indices.
        size: of the dimension before the cut; 0 where it is not known, as in plans of earlier releases.
    """

    tensor: str
    dimension: int
    keep: tuple[int, ...]
    size: int = 0

    def then(self, later: Cut) -> Cut:
        """This cut followed by one of what it keeps, as one cut."""
        return Cut(self.tensor, self.dimension, tuple(self.keep[index] for index in later.keep), self.size)


@dataclass(frozen=True)
class SizeEdit:
    """An integer attribute that states a size: a module's name, attribute, indices into tuples, the new value."""

    module: str
    attribute: str
    index: tuple[int, ...]
    value: int


@dataclass(frozen=True)
class Removal:
    """A residual branch that is removed.

    Attributes:
        module: name of the submodule.
        bias: its parameter that is still added to the input; ``None`` if nothing is added.
        dimension: dimension of the output that the bias belongs to; negative.
        state: whether the submodule also returns a state, which becomes empty.
    """

    module: str
    bias: str | None
    dimension: int
    state: bool = False


class Bypass(nn.Module):
    """Replaces a submodule whose residual branch is removed.

    It returns its input, plus the bias of the branch's last layer where there is one. With ``state`` it also returns
    its other arguments, which are an empty state.

    Shape:
        - features and output: any with the channels of ``bias`` along ``dimension``
    """

    bias: nn.Parameter | None

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
    return cut_sizes(cut_tensors(remove(copied(module), removals), cuts), sizes)


def remove(module: nn.Module, removals: Sequence[Removal]) -> nn.Module:
    """Replace branches by :class:`Bypass`, in place; returns the module.

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
                f"the pruning plan removes {removal.module}, which {type(module).__name__} does not have ({error}): "
                "apply it to the class and settings that it was made for"
            ) from error
        bypass = Bypass(bias, removal.dimension, removal.state).train(branch.training)
        setattr(module.get_submodule(path), last, bypass.requires_grad_(bias is None or bias.requires_grad))
    return module


def cut_tensors(module: nn.Module, cuts: Sequence[Cut]) -> nn.Module:
    """Cut tensors of ``module`` in place, shared ones under all their names at once; returns the module.

    Raises:
        UserError: the module has no such tensor, or the tensor has another size.
    """
    owners: dict[int, list[tuple[nn.Module, str]]] = {}
    named: dict[str, Tensor] = {}
    for name, value in tensor_attributes(module):
        named[name] = value
        path, _, attribute = name.rpartition(".")
        owners.setdefault(id(value), []).append((module.get_submodule(path), attribute))
    by_tensor: dict[str, list[Cut]] = {}
    for cut in cuts:
        by_tensor.setdefault(cut.tensor, []).append(cut)
    for name, its_cuts in by_tensor.items():
        if name not in named:
            raise UserError(
                f"the pruning plan cuts {name}, which {type(module).__name__} does not have: "
                "apply it to the class and settings that it was made for"
            )
        value = named[name]
        result = value.detach()
        for cut in its_cuts:
            last = max(cut.keep, default=-1)
            if (
                not 0 <= cut.dimension < result.dim()
                or min(cut.keep, default=0) < 0
                or last >= result.shape[cut.dimension]
            ):
                raise UserError(
                    f"the pruning plan keeps index {last} of dimension {cut.dimension} of {name}, "
                    f"whose shape is {tuple(value.shape)}: apply it to the class and settings that it "
                    "was made for"
                )
            if cut.size and cut.size != result.shape[cut.dimension]:
                raise UserError(
                    f"the pruning plan is for {cut.size} values along dimension {cut.dimension} of {name}, whose shape "
                    f"is {tuple(value.shape)}: apply it to the class and settings that it was made for"
                )
            result = result.index_select(cut.dimension, torch.tensor(cut.keep, dtype=torch.long, device=result.device))
        if isinstance(value, nn.Parameter):
            result = nn.Parameter(result, requires_grad=value.requires_grad)
        for owner, attribute in owners[id(value)]:
            setattr(owner, attribute, result)
    return recalculate(module)


def cut_sizes(module: nn.Module, sizes: Sequence[SizeEdit]) -> nn.Module:
    """Correct integer attributes of ``module`` in place; returns the module.

    Raises:
        UserError: the module has no such attribute, or it is no whole number.
    """
    for edit in sizes:
        try:
            owner = module.get_submodule(edit.module)
            changed = _replaced(getattr(owner, edit.attribute), edit.index, edit.value)
        except (AttributeError, IndexError, TypeError) as error:
            raise UserError(
                f"the pruning plan sets {edit.module}.{edit.attribute}, which {type(module).__name__} does not have "
                f"({error}): apply it to the class and settings that it was made for"
            ) from error
        setattr(owner, edit.attribute, changed)
    return module


def _replaced(value: Any, index: Sequence[int], new: int) -> Any:
    if not index:
        if type(value) is not int:
            raise TypeError(f"it is {type(value).__name__}, expected a whole number")
        return new
    parts = list(value)
    parts[index[0]] = _replaced(parts[index[0]], index[1:], new)
    return type(value)(parts)
