"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from .errors import UserError

#: names of files and folders that are being written; the number is random, so that no link can wait under the name
_PARTIAL = re.compile(r"\.sepprune-[0-9a-f]{16}\.part")
#: on systems without locks, seconds after which an unfinished file belongs to a process that has ended
_OLD_S = 86_400


@contextmanager
def whole_file(path: Path, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to write ``path`` through. Whatever interrupts the block, ``path`` is the whole old or the whole new file.

    The file is a new one beside ``path``; at the end of the block it is renamed. The temporary name is random and must
    not exist, so that no link can lead the content elsewhere. Permissions are those of any new file (umask). What a
    killed process has left in the folder is removed first. A device or a pipe is no file: it is written to directly,
    and stays what it is.

    Args:
        path: the file; its folder must exist. A link is replaced, not followed, unless it is the system's own, such as
            ``/dev/stdout``.
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
    if _is_special(path):
        with open(path, "wb") as special:
            yield special
        return
    if durable:
        remove_leftovers(path.parent)
    partial, file = _new_file(path.parent)
    try:
        with file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
            if os.name != "nt":
                os.replace(partial, path)  # while it is still marked as in use
        if os.name == "nt":  # which renames no open file
            os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    if durable:
        synchronise(path.parent)


def write_whole(path: Path, content: bytes, durable: bool = True) -> None:
    """Write a file with this content, see :func:`whole_file`.

    Raises:
        OSError: the disk is full, or the folder cannot be written. Nothing is left behind then.
    """
    with whole_file(path, durable) as file:
        file.write(content)


def write_report(destination: str, report: Any) -> None:
    """Write a JSON report to the file that a user has named, or print it for ``-``.

    Args:
        destination: path, see :func:`whole_file`, or ``-`` for standard output.
        report: plain data without NaN and infinity.

    Raises:
        UserError: the file cannot be written.
    """
    text = json.dumps(report, indent=2, allow_nan=False) + "\n"
    if destination == "-":
        print(text, end="")
        return
    try:
        write_whole(Path(destination), text.encode())
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write {destination}: {reason(error)}; choose another file") from error


def check_destination(
    option: str, destination: str, suffixes: Collection[str] = (), made: Collection[Path] = ()
) -> None:
    """Refuse a file that cannot be written, before the work whose result it would be.

    Args:
        option: that names the file.
        destination: path, or ``-`` for standard output.
        suffixes: endings of the name that are possible, in small letters; every ending where none are given.
        made: folders that the work makes, so that they need not exist yet.

    Raises:
        UserError: the ending is another, it is a folder, or its folder does not exist or cannot be written.
    """
    path = Path(destination)
    if suffixes and path.suffix.lower() not in suffixes:
        raise UserError(f"{option} {destination} does not end in {' or '.join(suffixes)}: rename it")
    if destination == "-":
        return
    if path.is_dir():
        raise UserError(f"cannot write {option} {destination}: it is a folder, give the name of a file")
    folder = path.absolute().parent
    if path.exists() and not path.is_file():
        return  # a device or a pipe
    if not folder.is_dir():
        if any(one.absolute().is_relative_to(folder) for one in made):
            return
        raise UserError(f"cannot write {option} {destination}: there is no folder {folder}; make it, or choose another")
    if not os.access(folder, os.W_OK):
        raise UserError(f"cannot write {option} {destination}: the folder {folder} is not writable; choose another")


def check_folder(name: str, folder: str) -> None:
    """Refuse what cannot be a folder of results, before the work whose results it would hold.

    Args:
        name: of the setting, for the error.
        folder: path; the folder need not exist.

    Raises:
        UserError: it is empty, or a file.
    """
    if not folder:
        raise UserError(f"{name} is empty: give a folder")
    for path in (Path(folder), *Path(folder).parents):
        if path.exists() and not is_folder(path):
            raise UserError(f"{name} is {folder}, and {path} is a file: give a folder")


def reason(error: BaseException) -> str:
    """Why a file could not be read or written, in words; a full disk is named as such.

    >>> reason(OSError(errno.ENOSPC, "No space left on device"))
    'no space left on the disk'
    """
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return "no space left on the disk"
        if error.errno == errno.EFBIG:
            return "no space left: the file is larger than the system allows"
        if error.strerror:
            return error.strerror[0].lower() + error.strerror[1:]
    return " ".join(str(error).split())[:200]


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished files and folders that killed processes have left in ``folder``.

    One that a running process writes is locked, and stays.
    """
    with suppress(OSError):
        for entry in os.scandir(folder):
            if _PARTIAL.fullmatch(entry.name) and not entry.is_symlink():
                with suppress(OSError), _abandoned(entry) as abandoned:
                    if abandoned and entry.is_dir():
                        shutil.rmtree(entry.path)
                    elif abandoned:
                        os.unlink(entry.path)


def partial_name(folder: Path) -> Path:
    """A random path in ``folder`` for something unfinished."""
    return folder / f".sepprune-{secrets.token_hex(8)}.part"


def lock(descriptor: int) -> None:
    """Mark an unfinished file or folder as in use, until its descriptor is closed or the process ends.

    Another process may look for leftovers at this moment, and remove what is not marked yet: see whether it is there
    afterwards.
    """
    with suppress(ImportError, OSError):  # a system or a file system without locks
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def synchronise(folder: Path) -> None:
    """Bring a rename to the disk, where the system lets a folder be opened."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_regular(path: Path) -> bool:
    """Whether a path is a file with content, not a device or a pipe that could be read for ever."""
    with suppress(OSError, ValueError):
        return stat.S_ISREG(path.stat().st_mode)
    return False


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; a name that none can have is not one."""
    with suppress(OSError, ValueError):
        return stat.S_ISDIR(path.stat().st_mode)
    return False


def _is_special(path: Path) -> bool:
    """Whether a path is a device or a pipe, or a name of the system's for what is open."""
    absolute = path.absolute()
    if str(absolute.parent) in ("/dev", "/dev/fd") or absolute.is_relative_to("/proc"):
        return True
    with suppress(OSError, ValueError):
        mode = path.lstat().st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode))
    return False


def _new_file(folder: Path) -> tuple[Path, IO[bytes]]:
    """A new file in ``folder`` that is marked as in use, and its path."""
    while True:
        partial = partial_name(folder)
        file = open(partial, "xb")
        lock(file.fileno())
        if partial.exists():
            return partial, file
        file.close()  # removed as a leftover before it was marked


@contextmanager
def _abandoned(entry: os.DirEntry[str]) -> Iterator[bool]:
    """Whether no running process writes an unfinished file or folder; none can begin to in this block."""
    try:
        import fcntl
    except ImportError:
        yield time.time() - entry.stat(follow_symlinks=False).st_mtime > _OLD_S
        return
    descriptor = os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
