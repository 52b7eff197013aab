"""What a reader of files is in this campaign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reader:
    """A reader, with what it is tried on.

    Args:
        name: in reports.
        kind: of mutation, see :func:`~tests.fuzz.mutate.mutated`.
        file: the variants are written here.
        good: contents that are read without an error.
        read: reads :attr:`file`; may raise ``UserError`` and nothing else.
        weight: how often it is tried, relative to others.
    """

    name: str
    kind: str
    file: Path
    good: tuple[bytes, ...]
    read: Callable[[], object]
    weight: float = 1.0
