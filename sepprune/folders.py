"""Folders that are replaced whole or not at all."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .files import lock, partial_name, remove_leftovers, synchronise

_AT_FDCWD, _RENAME_EXCHANGE, _RENAME_SWAP = -100, 2, 2


@contextmanager
def whole_folder(path: Path, replaces: Collection[str]) -> Iterator[Path]:
    """A new folder that takes the place of ``path`` at the end of the block, in one step.

    A kill at any moment leaves the whole old or the whole new folder. What a killed process has left beside ``path`` is
    removed first. Files of the old folder that are not part of what is replaced, such as a user's notes, are in the new
    one too.

    Where the system cannot exchange two folders (Windows, some network file systems, a mount point, the working
    folder), the files are replaced one by one instead, each of them whole.

    Args:
        path: the folder; it and its parents are made where they are missing.
        replaces: patterns of the names that belong to the old content, such as ``level-*.json``; they are not kept.

    Yields:
        the empty folder to write into.

    Raises:
        OSError: the disk is full, or the place cannot be written. The old folder is as it was.
    """
    path = Path(os.path.abspath(path)).resolve()  # a link to a folder stays a link
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    partial, descriptor = _new_folder(path.parent)
    try:
        yield partial
        for file in partial.iterdir():
            _to_disk(file)
        if not path.exists():
            os.rename(partial, path)
        elif not any(path.iterdir()) and not _is_in_use(path) and os.name != "nt":
            os.rename(partial, path)  # an empty folder is replaced in one step
        else:
            new = [file.name for file in partial.iterdir()]
            _replace(path, partial, replaces, new)
        synchronise(path.parent)
    finally:
        with suppress(OSError):
            if partial.exists():
                shutil.rmtree(partial)
        if descriptor is not None:
            os.close(descriptor)


def _replace(path: Path, partial: Path, replaces: Collection[str], new: Collection[str]) -> None:
    """Put the new content in the place of the old."""
    old = [entry for entry in path.iterdir() if entry.name not in new]
    kept = [entry for entry in old if not any(entry.match(pattern) for pattern in replaces)]
    if not _is_in_use(path):
        for entry in kept:
            _link(entry, partial / entry.name)
        synchronise(partial)
        shutil.copymode(path, partial)
        if _exchange(partial, path):
            return
    for name in new:
        os.replace(partial / name, path / name)
    for entry in old:
        if entry not in kept:
            entry.unlink()
    synchronise(path)


def _is_in_use(path: Path) -> bool:
    """Whether a folder cannot be exchanged: it is mounted, or this process, and so probably the user, works in it."""
    try:
        return os.path.ismount(path) or Path.cwd().is_relative_to(path)
    except OSError:
        return True


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders in one step; false where the system cannot."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux":
            names = os.fsencode(first), os.fsencode(second)
            return int(library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)) == 0
        if sys.platform == "darwin":
            return int(library.renamex_np(os.fsencode(first), os.fsencode(second), _RENAME_SWAP)) == 0
    except (OSError, AttributeError, TypeError):
        pass  # no such function in this system's library
    return False


def _link(entry: Path, target: Path) -> None:
    """The same file or folder under a second name, as a copy where the system has no links."""
    if entry.is_symlink():
        target.symlink_to(os.readlink(entry))
    elif entry.is_dir():
        target.mkdir()
        for inner in entry.iterdir():
            _link(inner, target / inner.name)
        shutil.copystat(entry, target)
    else:
        try:
            os.link(entry, target)
        except OSError:
            shutil.copy2(entry, target)


def _to_disk(file: Path) -> None:
    """Bring a file's content to the disk."""
    descriptor = os.open(file, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _new_folder(parent: Path) -> tuple[Path, int | None]:
    """A new folder in ``parent``, and the descriptor that marks it as in use, if folders can be opened."""
    while True:
        partial = partial_name(parent)
        partial.mkdir()
        descriptor = None
        with suppress(OSError):
            descriptor = os.open(partial, os.O_RDONLY)
            lock(descriptor)
        if partial.exists():
            return partial, descriptor
        if descriptor is not None:  # removed as a leftover before it was marked
            os.close(descriptor)
