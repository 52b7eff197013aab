"""Turns a level into files that compiled backends execute, in a child process where torch is not loaded yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ..errors import UserError
from .beside import program_ends
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
    command = [sys.executable, "-m", f"{__package__}.graphs", str(level.folder.absolute()), str(level.level),
               str(samples), target, weights, str(folder)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             cwd=Path(__file__).parents[2])
    errors = _wait(child)
    if child.returncode:
        last = (errors.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"level {level.level} of {level.folder} could not be converted for {target}: {last}")


def _wait(child: subprocess.Popen[str]) -> str:
    """What the child says on its standard error. A program that ends does not wait for it."""
    while True:
        try:
            return child.communicate(timeout=0.2)[1]
        except subprocess.TimeoutExpired:
            if program_ends():
                child.kill()
