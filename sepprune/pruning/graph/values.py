"""Numbers that a module reads from tensors, which have no values while it is traced.

A module runs on its example before it is traced. Three kinds of numbers are noted then, and given to it again during
the trace:

- those that asserts read, so that an assert that holds on the example does not end the trace;
- those from tensors of whole numbers that follow from constants or from inputs of whole numbers alone, such as lengths.
  Some functions take such a tensor in place of a number, as ``torch.istft`` takes its ``length``;
- the sizes of packed sequences, which follow from such lengths.

A trace is only valid for the values of the inputs that were read.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from .recurrent_ops import SIZED, TorchFunction

_OUTSIDE = (str(Path(torch.__file__).parent), str(Path(__file__).parent))

#: functions of a tensor that give its values as numbers of Python; others, such as ``size``, need no values
_READERS = frozenset(
    "item tolist __int__ __bool__ __float__ __index__ __complex__ __contains__ is_nonzero equal allclose".split()
)

#: file and line of a call
Line = tuple[str, int]

#: numbers that were read, with the functions that gave or took them, in order
Noted = dict[Line, deque[tuple[TorchFunction, Any]]]


@dataclass(frozen=True)
class Taken:
    """Numbers that a torch function took from tensors among its arguments: by the tensor's place among them."""

    numbers: Mapping[int, int]


def caller() -> Line | None:
    """The line that calls a torch function, outside of torch and of this package."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OUTSIDE):
        frame = frame.f_back  # type: ignore[assignment]  # the outermost frame has none
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


class NoteValues(TorchFunctionMode):
    """Notes numbers that torch functions return or take: within asserts, and of tensors that follow from constants.

    Args:
        own: tensors of the module. Whole numbers among them are constants.
        inputs: of the module. Whole numbers among them are constants of this example.

    Attributes:
        noted: the numbers.
        read: which of the inputs were read for them.
    """

    def __init__(self, own: Iterable[Tensor] = (), inputs: Sequence[Tensor] = ()) -> None:
        super().__init__()
        self.noted: Noted = defaultdict(deque)
        self.read: set[int] = set()
        self._lines: dict[str, set[int]] = {}
        # by id, with the inputs that a tensor follows from; kept, so that no other tensor gets the id
        self._constant: dict[int, tuple[Tensor, frozenset[int]]] = {}
        for tensor in own:
            self._keep(tensor, frozenset())
        for index, tensor in enumerate(inputs):
            self._keep(tensor, frozenset([index]))

    def __torch_function__(
        self, func: TorchFunction, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        inputs = list(_tensors((args, kwargs)))
        known = [self._constant[id(leaf)] for leaf in inputs if id(leaf) in self._constant]
        reads = _Reads()
        with reads if known else contextlib.nullcontext():
            result = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        constant = len(known) == len(inputs) and "rand" not in name
        sources = frozenset().union(*(source for _, source in known))
        if name in _READERS:
            if constant and inputs:
                # while tracing, tolist reads one item after the other
                numbers = tree_leaves(result) if isinstance(result, list) else []
                self._note(sources, [(Tensor.item, number) for number in numbers] or [(func, result)])
            elif type(result) is not list and (line := caller()) and line[1] in self._asserts(line[0]):
                self.noted[line].append((func, result))
            return result
        taken = {
            index: int(leaf)
            for index, leaf in enumerate(inputs)
            if id(leaf) in self._constant and any(leaf is item for item in reads.tensors)
        }
        if taken:
            self._note(
                frozenset().union(*(self._constant[id(inputs[index])][1] for index in taken)), [(func, Taken(taken))]
            )
        if constant:
            for leaf in tree_leaves(result):
                self._keep(leaf, sources)
        elif func in SIZED:
            lengths = args[1]  # or how many sequences have a step; both follow from the lengths
            if id(lengths) in self._constant:
                sources = self._constant[id(lengths)][1]
                self._note(sources, [(func, (tuple(result[0].shape), tuple(result[1].shape)))])
                self._keep(result[1], sources)
        elif name == "__setitem__" or name.endswith("_") and not name.endswith("__"):  # changed in place
            self._constant.pop(id(args[0]), None)
        return result

    def _keep(self, value: Any, sources: frozenset[int]) -> None:
        """Remember a tensor of whole numbers as a constant that follows from these inputs."""
        if isinstance(value, Tensor) and not (value.is_floating_point() or value.is_complex()):
            self._constant[id(value)] = value, sources

    def _note(self, sources: frozenset[int], numbers: Sequence[tuple[TorchFunction, Any]]) -> None:
        """Note numbers that follow from these inputs, at the line that is running."""
        line = caller()
        if line is not None:
            self.noted[line] += numbers
            self.read |= sources

    def _asserts(self, filename: str) -> set[int]:
        """Lines of a file that belong to assert statements."""
        if filename not in self._lines:
            try:
                tree = ast.parse(Path(filename).read_bytes())
            except (OSError, SyntaxError, ValueError):  # code that is in no file
                tree = ast.Module([], [])
            self._lines[filename] = {
                line
                for node in ast.walk(tree)
                if isinstance(node, ast.Assert)
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
            }
        return self._lines[filename]


class _Reads(TorchDispatchMode):
    """Records the tensors whose value is read as a number."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types for it
        self.tensors: list[Tensor] = []

    def __torch_dispatch__(
        self, func: TorchFunction, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            self.tensors.append(args[0])
        return func(*args, **(kwargs or {}))


def _tensors(arguments: Any) -> Iterator[Tensor]:
    """Tensors among arguments, in order, those in slices too."""
    for leaf in tree_leaves(arguments):
        for part in (leaf.start, leaf.stop, leaf.step) if isinstance(leaf, slice) else (leaf,):
            if isinstance(part, Tensor):
                yield part


def _with_tensors(arguments: Any, replaced: Callable[[Tensor], Any]) -> Any:
    """Arguments with every tensor replaced, in the order of :func:`_tensors`."""

    def leaf(value: Any) -> Any:
        if isinstance(value, slice):
            return slice(*(leaf(part) for part in (value.start, value.stop, value.step)))
        return replaced(value) if isinstance(value, Tensor) else value

    return tree_map(leaf, arguments)


def answer(noted: Noted, func: TorchFunction) -> tuple[bool, Any]:
    """Whether what a torch function gives here was noted, and the number, or the sizes of its results."""
    found = _next(noted, func, taken=False)
    return found is not None, found


def with_numbers(noted: Noted, func: TorchFunction, arguments: Any) -> Any:
    """Arguments of a torch function with the numbers in place of the tensors from which it took them."""
    found = _next(noted, func, taken=True)
    if found is None:
        return arguments
    places = iter(range(len(list(_tensors(arguments)))))
    return _with_tensors(arguments, lambda tensor: found.numbers.get(next(places), tensor))


def _next(noted: Noted, func: TorchFunction, taken: bool) -> Any:
    """What was noted next at the line that is running, if it is of this function; ``None`` without any."""
    line = caller() if noted else None
    if line not in noted or not noted[line]:
        return None
    its_func, value = noted[line][0]
    return noted[line].popleft()[1] if its_func is func and isinstance(value, Taken) == taken else None
