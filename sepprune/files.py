"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to write ``path`` through. Whatever interrupts the block, ``path`` is the whole old or the whole new file.

    The file is a new one beside ``path``; at the end of the block it is renamed. The temporary name is random and must
    not exist, so that no link can lead the content elsewhere. Permissions are those of any new file (umask).

    Args:
        path: the file; its folder must exist. A link is replaced, not followed.
        durable: return only when the content is on the disk, so that a power failure cannot lose it.

    Raises:
        OSError: the disk is full, or the folder cannot be written. Nothing is left behind then.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "greeting.txt"
    >>> with whole_file(path) as file:
    ...     _ = file.write(b"hello")
    >>> path.read_bytes()
    b'hello'
    """
    partial = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with open(partial, "xb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    if durable:
        _synchronise(path.parent)


def write_whole(path: Path, content: bytes, durable: bool = True) -> None:
    """Write a file with this content, see :func:`whole_file`.

    Raises:
        OSError: the disk is full, or the folder cannot be written. Nothing is left behind then.
    """
    with whole_file(path, durable) as file:
        file.write(content)


def _synchronise(folder: Path) -> None:
    """Bring a rename to the disk, where the system lets a folder be opened."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
