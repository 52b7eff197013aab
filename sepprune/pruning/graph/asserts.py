"""Asserts about values of tensors, which have no values while a module is traced.

A module runs on its example before it is traced. What its asserts read then is noted, and given to them again during
the trace. An assert that holds on the example so does not end the trace.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from .recurrent_ops import TorchFunction

_OUTSIDE = (str(Path(torch.__file__).parent), str(Path(__file__).parent))

#: file and line of a call
Line = tuple[str, int]

#: numbers that asserts read, with the functions that gave them, in order
Noted = dict[Line, deque[tuple[TorchFunction, Any]]]


def caller() -> Line | None:
    """The line that calls a torch function, outside of torch and of this package."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OUTSIDE):
        frame = frame.f_back  # type: ignore[assignment]  # the outermost frame has none
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


class NoteAsserts(TorchFunctionMode):
    """Notes the numbers that torch functions return within assert statements.

    Attributes:
        noted: the numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.noted: Noted = defaultdict(deque)
        self._lines: dict[str, set[int]] = {}

    def __torch_function__(
        self, func: TorchFunction, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if type(result) in (bool, int, float):
            line = caller()
            if line is not None and line[1] in self._asserts(line[0]):
                self.noted[line].append((func, result))
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


def answer(noted: Noted, func: TorchFunction) -> tuple[bool, Any]:
    """Whether a torch function is called by an assert that was noted, and the number that it gave then."""
    line = caller() if noted else None
    if line not in noted or not noted[line] or noted[line][0][0] is not func:
        return False, None
    return True, noted[line].popleft()[1]
