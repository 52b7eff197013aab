"""Turns a level into files that compiled backends execute, in a child process where torch is not loaded yet."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import UserError
from .beside import run_process
from .ladder import Level

#: target -> file names of the step and, for levels with a segment, of its upkeep
FILES = {"openvino": ("step.xml", "end_segment.xml"), "onnx": ("step.onnx", "end_segment.onnx")}


def convert(level: Level, samples: int, target: str, weights: str, folder: Path) -> None:
    """Write a level's step for chunks of ``samples`` samples, and its segment upkeep, into ``folder``.

    Torch does the work. Where it is not loaded yet a child process loads it, so that a live process stays small; and
    nncf, which brings compiled libraries and thread pools of its own, is loaded in a child process in any case.
    """
    if "torch" in sys.modules and weights == "fp32":
        from .graphs import write

        write(level, samples, target, weights, folder)
        return
    try:
        if not run_process(
            f"{__package__}.graphs", level.folder.absolute(), level.level, samples, target, weights, folder
        ):
            raise UserError("the program ends")
    except UserError as error:
        raise UserError(f"level {level.level} of {level.folder} could not be converted for {target}: {error}") from None
