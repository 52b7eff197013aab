"""The state of a separator as one row of numbers.

A call of a compiled graph costs about as much for an input or an output as for a layer, so there are few: the whole
state is one tensor. Parts that pruning has emptied have no numbers in it; runtimes know no empty tensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .operations import Value, concatenate, reshape, split_sizes

#: of a tensor of the state; 0 where pruning has emptied it
Shape = tuple[int, ...]


def unpack(row: Value, shapes: Sequence[Shape]) -> list[Value | None]:
    """The tensors of a state, ``None`` for empty ones.

    Shape:
        - row: ``(1, numbers)``
    """
    sizes = [math.prod(shape) for shape in shapes]
    pieces = iter(split_sizes(row, 1, [size for size in sizes if size]))
    return [reshape(next(pieces), *shape) if size else None for shape, size in zip(shapes, sizes, strict=True)]


def pack(tensors: Sequence[Value | None]) -> Value:
    """One row ``(1, numbers)`` of these tensors."""
    return concatenate([reshape(tensor, 1, math.prod(tensor.shape)) for tensor in tensors if tensor is not None], 1)


def present(tensor: Value | None) -> Value:
    """A tensor of the state that no pruning empties."""
    if tensor is None:
        raise ValueError("a part of the state is empty")
    return tensor
