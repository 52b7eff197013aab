"""A cache of files for each user: converted levels, and what was measured on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..checked import MALFORMED, is_inside
from ..folders import whole_folder

_MANIFEST = "files.json"
#: bytes that the cache keeps; the entries that were used last
LIMIT = 500_000_000


def cache_folder() -> Path:
    """``SEPPRUNE_CACHE`` where it is set, else the platform's cache folder of this user."""
    if folder := os.environ.get("SEPPRUNE_CACHE"):
        return Path(folder)
    import platformdirs

    return Path(platformdirs.user_cache_dir("sepprune", appauthor=False))


def cache_key(*parts: bytes | str | int | None) -> str:
    """A name that changes when any of the parts changes."""
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()[:32]


def cached(key: str, build: Callable[[Path], None]) -> dict[str, bytes]:
    """Contents of files by name, from the cache, or from ``build`` where the cache does not have them.

    An entry is complete or absent, since it is renamed into place. It is checked against its hashes when it is read,
    and built again if it is damaged. When the cache exceeds :data:`LIMIT`, the entries that were unused for longest
    are removed. A cache that cannot be written is no error.

    Args:
        key: of the entry, from :func:`cache_key`.
        build: writes the files into the folder that it is given.
    """
    found = peek(key)
    if found is not None:
        return found
    entry = cache_folder() / key
    with tempfile.TemporaryDirectory() as name:
        built = Path(name)
        build(built)
        contents = {path.name: path.read_bytes() for path in sorted(built.iterdir())}
    try:
        _store(entry, contents)
        _forget(entry.parent, keep=entry)
    except OSError:
        pass  # the disk is full or read-only: the files are used all the same
    return contents


def peek(key: str) -> dict[str, bytes] | None:
    """The entry that :func:`cached` would find, ``None`` where it would have to build one."""
    return _read(cache_folder() / key)


def holds(key: str) -> bool:
    """Whether :func:`cached` would find an entry, without reading it."""
    return (cache_folder() / key / _MANIFEST).is_file()


def forget(key: str) -> None:
    """Remove an entry."""
    shutil.rmtree(cache_folder() / key, ignore_errors=True)


def _read(entry: Path) -> dict[str, bytes] | None:
    try:
        hashes = json.loads((entry / _MANIFEST).read_text(encoding="utf-8"))
        contents = {name: (entry / name).read_bytes() for name in hashes if is_inside(name)}
        intact = len(contents) == len(hashes) and all(
            hashlib.sha256(contents[name]).hexdigest() == expected for name, expected in hashes.items()
        )
    except (OSError, *MALFORMED):
        return None
    if not intact:
        return None
    try:
        os.utime(entry)  # used now
    except OSError:
        pass  # it belongs to another user, or is read-only
    return contents


def _store(entry: Path, contents: dict[str, bytes]) -> None:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    with whole_folder(entry, ("*",)) as new:
        for name, content in contents.items():
            (new / name).write_bytes(content)
        (new / _MANIFEST).write_text(json.dumps(hashes), encoding="utf-8")


def _forget(folder: Path, keep: Path) -> None:
    """Remove the entries that were unused for longest, until the rest fits."""
    used = sorted(
        ((entry.stat().st_mtime, entry) for entry in folder.iterdir() if (entry / _MANIFEST).is_file()), reverse=True
    )
    total = 0
    for _, entry in used:
        total += sum(path.stat().st_size for path in entry.iterdir())
        if total > LIMIT and entry != keep:
            shutil.rmtree(entry, ignore_errors=True)
