"""Converted levels, kept per user so that torch is needed only once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

_MANIFEST = "files.json"
#: bytes that the cache keeps, the entries used last
LIMIT = 500_000_000


def cache_folder() -> Path:
    """``SEPPRUNE_CACHE`` where it is set, else the platform's cache folder of this user."""
    if folder := os.environ.get("SEPPRUNE_CACHE"):
        return Path(folder)
    import platformdirs

    return Path(platformdirs.user_cache_dir("sepprune", appauthor=False))


def cache_key(*parts: bytes | str | int | None) -> str:
    """A name that changes when any part changes."""
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()[:32]


def cached(key: str, build: Callable[[Path], None]) -> dict[str, bytes]:
    """Contents of the files that ``build`` writes into the folder it is given, from the cache where they are there.

    An entry is complete or absent (it is renamed into place), and is checked against its hashes when read: a
    damaged one is built again. Entries that were not used for longest go when the cache grows beyond :data:`LIMIT`.
    A cache that cannot be written is not an error, only slower.
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
        pass  # a full or read-only disk: what was built is used all the same
    return contents


def peek(key: str) -> dict[str, bytes] | None:
    """What :func:`cached` would give without building anything, ``None`` where it is not there."""
    return _read(cache_folder() / key)


def holds(key: str) -> bool:
    """Whether :func:`cached` would find an entry, without reading it."""
    return (cache_folder() / key / _MANIFEST).is_file()


def forget(key: str) -> None:
    """Build what has this key anew the next time."""
    shutil.rmtree(cache_folder() / key, ignore_errors=True)


def _read(entry: Path) -> dict[str, bytes] | None:
    try:
        hashes = json.loads((entry / _MANIFEST).read_text(encoding="utf-8"))
        contents = {name: (entry / name).read_bytes() for name in hashes}
        intact = all(hashlib.sha256(contents[name]).hexdigest() == expected for name, expected in hashes.items())
    except (OSError, ValueError, AttributeError):
        return None
    if not intact:
        return None
    try:
        os.utime(entry)  # used now
    except OSError:
        pass  # somebody else's, or read-only
    return contents


def _store(entry: Path, contents: dict[str, bytes]) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".part-", dir=entry.parent))
    try:
        for name, content in contents.items():
            (partial / name).write_bytes(content)
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        (partial / _MANIFEST).write_text(json.dumps(hashes), encoding="utf-8")
        shutil.rmtree(entry, ignore_errors=True)  # there only when it was damaged
        os.replace(partial, entry)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _forget(folder: Path, keep: Path) -> None:
    """Remove what was not used for longest, until the rest fits."""
    used = sorted(
        ((entry.stat().st_mtime, entry) for entry in folder.iterdir() if (entry / _MANIFEST).is_file()), reverse=True
    )
    total = 0
    for _, entry in used:
        total += sum(path.stat().st_size for path in entry.iterdir())
        if total > LIMIT and entry != keep:
            shutil.rmtree(entry, ignore_errors=True)
