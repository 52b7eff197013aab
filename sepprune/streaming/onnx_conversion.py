"""Converts a level to ONNX files, in a child process where torch is not loaded yet."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import UserError
from ..extras import require
from .beside import run_process
from .ladder import Level

#: file names of the step and, for levels with a segment, of its upkeep
FILES = ("step.onnx", "end_segment.onnx")


def convert(level: Level, samples: int, folder: Path) -> None:
    """Write a level's step for chunks of ``samples`` samples, and its segment upkeep, into ``folder``.

    Torch does the work. Where it is not loaded yet a child process loads it, so that a live process stays small.

    Raises:
        UserError: a package is missing, or the level's files are damaged.
    """
    for package in ("torch", "onnx", "onnxscript"):
        require(package, extra="onnx", purpose="the conversion of a level to ONNX")
    paths = [folder / name for name in FILES]
    if "torch" in sys.modules:
        from .onnx_graphs import write

        write(level, samples, *paths)
        return
    try:
        if not run_process(f"{__package__}.onnx_graphs", level.folder.absolute(), level.level, samples, *paths):
            raise UserError("the program ends")
    except UserError as error:
        raise UserError(f"level {level.level} of {level.folder} could not be converted to ONNX: {error}") from None
