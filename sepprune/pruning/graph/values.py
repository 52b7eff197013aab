"""Numbers that a module reads from tensors, which have no values while it is traced.

A module runs on its example before it is traced. Two kinds of numbers are noted then, and given to it again during the
trace: those that asserts read, so that an assert that holds on the example does not end the trace; and those from whole
numbers that follow from constants alone, such as lengths that forward makes itself.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict, deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from .recurrent_ops import TorchFunction

_OUTSIDE = (str(Path(torch.__file__).parent), str(Path(__file__).parent))

#: file and line of a call
Line = tuple[str, int]

#: numbers that were read, with the functions that gave them, in order
Noted = dict[Line, deque[tuple[TorchFunction, Any]]]


def caller() -> Line | None:
    """The line that calls a torch function, outside of torch and of this package."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OUTSIDE):
        frame = frame.f_back  # type: ignore[assignment]  # the outermost frame has none
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


class NoteValues(TorchFunctionMode):
    """Notes numbers that torch functions return: within asserts, and of tensors that follow from constants.

    Args:
        own: tensors of the module. Whole numbers among them are constants.

    Attributes:
        noted: the numbers.
    """

    def __init__(self, own: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self.noted: Noted = defaultdict(deque)
        self._lines: dict[str, set[int]] = {}
        # by id; kept, so that no other tensor gets the id
        self._constant = {id(tensor): tensor for tensor in own if _is_whole(tensor)}

    def __torch_function__(
        self, func: TorchFunction, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        constant = all(id(leaf) in self._constant for leaf in inputs) and "rand" not in getattr(func, "__name__", "")
        if type(result) in (bool, int, float, list):
            line = caller()
            known = constant and bool(inputs)
            if line is not None and (known or type(result) is not list and line[1] in self._asserts(line[0])):
                # while tracing, tolist reads one item after the other
                numbers = tree_leaves(result) if isinstance(result, list) else []
                self.noted[line] += [(Tensor.item, number) for number in numbers] or [(func, result)]
        elif constant:
            self._constant |= {id(leaf): leaf for leaf in tree_leaves(result) if _is_whole(leaf)}
        return result

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


def _is_whole(value: Any) -> bool:
    """Whether it is a tensor of whole numbers or truth values."""
    return isinstance(value, Tensor) and not (value.is_floating_point() or value.is_complex())


def answer(noted: Noted, func: TorchFunction) -> tuple[bool, Any]:
    """Whether what a torch function gives here was noted, and the number."""
    line = caller() if noted else None
    if line not in noted or not noted[line] or noted[line][0][0] is not func:
        return False, None
    return True, noted[line].popleft()[1]
