"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file. Whatever interrupts it, the name stands for the whole old file or the whole new one.

    The content is written to a new file beside it, synchronised with the disk and renamed. The temporary name is random
    and must not exist, so that no link can lead the content elsewhere. Permissions are those of any new file (umask).

    Args:
        path: the file; its folder must exist. A link is replaced, not followed.
        content: all of it.

    Raises:
        OSError: the disk is full, or the folder cannot be written. Nothing is left behind then.
    """
    partial = path.with_name(f".{secrets.token_hex(8)}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    _synchronise(path.parent)


def _synchronise(folder: Path) -> None:
    """Bring a rename to the disk, where the system lets a folder be opened."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
