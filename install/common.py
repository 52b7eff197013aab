"""What the steps of an installation share."""

from __future__ import annotations

import subprocess
from typing import TypedDict


class Stop(Exception):
    """The reason why the command stops, and what the user can do about it."""


class _Merged(TypedDict):
    stdout: int
    stderr: int
    text: bool
    errors: str


#: how the output of a program is read: both streams as one text
MERGED: _Merged = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def tail(text: str, lines: int = 12) -> str:
    """The last lines of a program's output, indented."""
    return "\n".join("  " + line for line in text.strip().splitlines()[-lines:])
