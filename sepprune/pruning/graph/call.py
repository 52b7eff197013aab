"""The arguments of a module: tensors in any arrangement of tuples, lists, dictionaries and keywords, and constants."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from ...checked import shown
from ...errors import UserError


@dataclass(frozen=True)
class Call:
    """Arguments of a module. Make it with :meth:`of`.

    Attributes:
        tensors: all tensors among the arguments, in order.
        leaves: all arguments without their containers; ``None`` where a tensor belongs.
        places: indices of the tensors among ``leaves``.
        spec: how the leaves are arranged.
        of_data: whether it comes from a batch of the caller's data, not from the example; messages say so.
    """

    tensors: tuple[Tensor, ...]
    leaves: tuple[Any, ...]
    places: tuple[int, ...]
    spec: TreeSpec
    of_data: bool = False

    @staticmethod
    def of(arguments: Sequence[Any], keywords: Mapping[str, Any] | None = None) -> Call:
        """The call of a module with these arguments.

        Raises:
            UserError: there is no tensor among them.
        """
        leaves, spec = tree_flatten((tuple(arguments), dict(keywords or {})))
        places = tuple(index for index, leaf in enumerate(leaves) if isinstance(leaf, Tensor))
        if not places:
            raise UserError(
                f"there is no tensor in the inputs {shown(tuple(arguments))}: give a tensor, or a tuple of what the "
                "module takes"
            )
        constants = tuple(None if index in places else leaf for index, leaf in enumerate(leaves))
        return Call(tuple(leaves[index] for index in places), constants, places, spec)

    @property
    def key(self) -> Hashable:
        """Equal for calls that can share a graph: same arrangement, constants, shapes and types."""
        return str(self.spec), repr(self.leaves), tuple((tuple(item.shape), item.dtype) for item in self.tensors)

    def values(self, places: Sequence[int]) -> Hashable:
        """The values of these tensors, of whole numbers, to compare them."""
        return tuple(str(self.tensors[place].tolist()) for place in places)

    @property
    def shapes(self) -> str:
        """Shapes of the tensors, for messages."""
        return ", ".join(str(tuple(item.shape)) for item in self.tensors)

    def arguments(self, tensors: Sequence[Tensor] | None = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments, in new containers.

        Args:
            tensors: the tensors to use; without them those of the call.
        """
        leaves = list(self.leaves)
        for index, tensor in zip(self.places, self.tensors if tensors is None else tensors, strict=True):
            leaves[index] = tensor
        positional, keywords = tree_unflatten(leaves, self.spec)
        return positional, keywords

    def run(self, module: Any, tensors: Sequence[Tensor] | None = None) -> Any:
        """What the module returns."""
        positional, keywords = self.arguments(tensors)
        return module(*positional, **keywords)

    def failure(self, module: Any, why: str) -> UserError:
        """The sentence for a module that does not run with these arguments."""
        what = "a batch of data" if self.of_data else "an example"
        way_out = "give batches as data= that it accepts" if self.of_data else "give an example_input that it accepts"
        return UserError(f"{type(module).__name__} does not run on {what} of shape {self.shapes}: {why}; {way_out}")

    def with_first(self, tensor: Tensor) -> Call:
        """The call with another first tensor."""
        return replace(self, tensors=(tensor, *self.tensors[1:]))

    def each(self, changed: Callable[[Tensor], Tensor]) -> Call:
        """The call with every tensor changed."""
        return replace(self, tensors=tuple(changed(tensor) for tensor in self.tensors))

    def to(self, device: torch.device) -> Call:
        """The call with all tensors on a device."""
        return self.each(lambda tensor: tensor.to(device))
