"""Reading of files under /proc and /sys, with the reason where one cannot be read."""

from __future__ import annotations

import sys
from pathlib import Path


class Missing(Exception):
    """A fact is not known; the message is the reason."""


def text(path: Path, absent: str = "not on this system") -> str:
    """A file's text without white space around it.

    Args:
        path: file.
        absent: reason if the file does not exist.

    Raises:
        Missing: it cannot be read, or is empty.
    """
    try:
        found = path.read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        raise Missing(elsewhere(absent)) from None
    except PermissionError:
        raise Missing("needs root") from None
    except OSError as error:  # drivers answer so while a device sleeps
        raise Missing(f"cannot be read ({error.strerror or error})") from None
    if not found:
        raise Missing("the system leaves it empty")
    return found


def number(path: Path, absent: str = "not on this system") -> float:
    """A file's number.

    Raises:
        Missing: as :func:`text`, or the text is no number.
    """
    found = text(path, absent)
    try:
        return float(found)
    except ValueError:
        raise Missing(f"the system gives {found[:40]!r}, which is no number") from None


def above_zero(value: float) -> float:
    """A value that cannot be 0, which some drivers give for "not known".

    Raises:
        Missing: it is 0 or less.
    """
    if value <= 0:
        raise Missing(f"the system gives {value:g}, which is not possible")
    return value


def lines(path: Path) -> list[str]:
    """A file's lines, none where it cannot be read."""
    try:
        return text(path).splitlines()
    except Missing:
        return []


def glob(root: Path, pattern: str) -> list[Path]:
    """Files that match, in order; none where a folder cannot be read."""
    try:
        return sorted(root.glob(pattern))
    except OSError:
        return []


def elsewhere(reason: str, system: str = sys.platform) -> str:
    """The reason on Linux; on other systems, that this program reads the fact on Linux only."""
    return reason if system == "linux" else "this program reads it on Linux only"
