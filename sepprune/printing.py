"""Printing of tables and text: names as they are, no spaces at the ends of lines, numbers before their nouns."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console

_AT_THE_END = re.compile(r"[ \t]+$", re.MULTILINE)


def plain_console(stderr: bool = False, quiet: bool = False) -> Console:
    """A console that prints text as it is: ``[bold]`` or ``:key:`` in the name of a file is part of the name.

    Args:
        stderr: print on standard error.
        quiet: print nothing.
    """
    return Console(stderr=stderr, quiet=quiet, markup=False, emoji=False)


def counted(number: int, noun: str, several: str = "") -> str:
    """A number before its noun, which is the plural unless there is one.

    Args:
        number: how many.
        noun: singular.
        several: plural, by default with an s.

    >>> counted(1, "miss", "misses"), counted(3000, "chunk")
    ('1 miss', '3,000 chunks')
    """
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def print_trimmed(console: Console, *objects: Any, **options: Any) -> None:
    """Print as ``console.print`` does; in a file or a pipe without the spaces that fill lines up to a width.

    Args:
        console: to print to.
        objects: tables, or text.
        options: of ``console.print``.
    """
    if console.is_terminal:
        console.print(*objects, **options)
        return
    with console.capture() as captured:
        console.print(*objects, **options)
    console.file.write(_AT_THE_END.sub("", captured.get()))


def print_any_name() -> None:
    """Let standard output and error print file names that are not UTF-8, with escapes such as ``\\udcff``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def hushed() -> Iterator[None]:
    """Discard what libraries print on standard error, about what they try and do not need."""
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except (OSError, AttributeError):  # there is no standard error
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
