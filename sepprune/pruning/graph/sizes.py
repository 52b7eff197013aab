"""Sizes that modules keep as attributes, followed to the torch functions that use them.

``torch.export`` gives the operations but not where a size came from: ``view(-1, self.hidden)`` becomes
``view([-1, 384])``. Surgery has to correct ``hidden``, and no other 384. So during the export the integers that a copy
of the module keeps are replaced by integers that remember their origin, and a function mode records them when they
reach a torch function.
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.fx.traceback
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from ..checks import Untraceable
from .recurrent_ops import SIZED, TorchFunction, packed, stand_in
from .values import Noted, answer, with_numbers

#: where a module holds an integer: module name, attribute name, then indices into tuples or lists
Place = tuple[str, str, tuple[int, ...]]

#: a size as a function of the attributes that it was calculated from
Evaluate = Callable[[dict[Place, int]], int]


@dataclass(frozen=True)
class Size:
    """An integer that reached a torch function: its value, and how it follows from attributes."""

    value: int
    places: tuple[Place, ...]
    evaluate: Evaluate

    @property
    def plain(self) -> bool:
        """Whether it is the value of one attribute, not a result of arithmetic."""
        return len(self.places) == 1 and self.evaluate({self.places[0]: -7}) == -7


def _arithmetic(name: str, reflected: bool = False) -> Callable[..., Any]:
    """An operator of :class:`_OriginInt`: its result remembers the places of both operands."""
    plain = getattr(int, f"__{'r' if reflected else ''}{name}__")
    function = getattr(operator, name)

    def calculate(self: _OriginInt, *others: Any) -> Any:
        result = plain(int(self), *(int(other) if isinstance(other, _OriginInt) else other for other in others))
        if not isinstance(result, int):
            return result
        operands = (*others, self) if reflected else (self, *others)
        places = dict.fromkeys(place for item in operands if isinstance(item, _OriginInt) for place in item.places)

        def evaluate(sizes: dict[Place, int]) -> int:
            return int(function(*(item.evaluate(sizes) if isinstance(item, _OriginInt) else item for item in operands)))

        return _OriginInt(result, tuple(places), evaluate)

    return calculate


class _OriginInt(int):
    """An integer that remembers which attributes it was calculated from."""

    places: tuple[Place, ...]
    evaluate: Evaluate

    def __new__(cls, value: int, places: tuple[Place, ...], evaluate: Evaluate) -> _OriginInt:
        self = super().__new__(cls, value)
        self.places, self.evaluate = places, evaluate
        return self

    __add__ = _arithmetic("add")
    __radd__ = _arithmetic("add", reflected=True)
    __sub__ = _arithmetic("sub")
    __rsub__ = _arithmetic("sub", reflected=True)
    __mul__ = _arithmetic("mul")
    __rmul__ = _arithmetic("mul", reflected=True)
    __floordiv__ = _arithmetic("floordiv")
    __rfloordiv__ = _arithmetic("floordiv", reflected=True)
    __mod__ = _arithmetic("mod")
    __rmod__ = _arithmetic("mod", reflected=True)
    __neg__ = _arithmetic("neg")

    def __deepcopy__(self, memo: dict[int, Any]) -> int:
        return int(self)

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (int(self),)


class NoteSizes(TorchFunctionMode):
    """Records the sizes among the arguments of torch functions, and marks the graph nodes of these functions.

    Args:
        notes: gets one entry per function with sizes: all its integers, in order, those of attributes as
            :class:`Size`. A node's ``custom["sizes"]`` is the index of its entry.
        noted: numbers that were read on the example.
    """

    def __init__(self, notes: list[tuple[Size | int, ...]], noted: Noted) -> None:
        super().__init__()
        self.notes, self.noted = notes, noted

    def __torch_function__(
        self, func: TorchFunction, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        was_noted, number = answer(self.noted, func)
        if was_noted:
            return packed(func, args, number) if func in SIZED else number
        if func in SIZED:
            raise Untraceable(
                "the lengths of a packed sequence depend on values of a tensor",
                "call the recurrent layer on the padded batch, or give the lengths as an input of whole numbers",
            )
        args, kwargs = with_numbers(self.noted, func, (args, kwargs))
        func = stand_in(func, args) or func
        found = tuple(_sizes((args, kwargs)))
        if not any(isinstance(item, Size) for item in found):
            result = func(*args, **kwargs)
            if func is torch.arange and all(type(item) is int for item in args):
                # often a list of dimensions in the making; without this its numbers are unknown while tracing
                result.tolist = lambda: list(range(*args))
            return result
        self.notes.append(found)
        with torch.fx.traceback.annotate({"sizes": len(self.notes) - 1}):
            return func(*args, **kwargs)


def _sizes(arguments: Any) -> Iterator[Size | int]:
    for leaf in tree_leaves(arguments):
        parts = (leaf.start, leaf.stop) if isinstance(leaf, slice) else (leaf,)
        for part in parts:
            if isinstance(part, _OriginInt):
                yield Size(int(part), part.places, part.evaluate)
            elif type(part) is int:
                yield part


def remember_origins(module: nn.Module) -> None:
    """Replace the integers that the module and its parts keep by integers that remember their origin, in place."""
    for prefix, part in module.named_modules():
        for name, value in list(vars(part).items()):
            with contextlib.suppress(Exception):  # an attribute that cannot be set keeps its value
                replaced = _with_origin(value, (prefix, name, ()))
                if replaced is not value:
                    setattr(part, name, replaced)


def _with_origin(value: Any, place: Place) -> Any:
    if type(value) is int and value > 1:
        return _OriginInt(value, (place,), lambda sizes: sizes.get(place, value))
    if type(value) in (tuple, list) and value and len(value) < 1000:
        parts = [_with_origin(part, (*place[:2], (*place[2], index))) for index, part in enumerate(value)]
        if any(new is not old for new, old in zip(parts, value, strict=True)):
            return type(value)(parts)
    return value
