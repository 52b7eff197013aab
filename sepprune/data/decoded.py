"""Decoded recordings, stored in memory-mapped files. An entry is checked when it is used, and made again if need be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from ..checked import MALFORMED
from ..errors import UserError
from ..files import reason, whole_file, write_whole
from .collection import Collection
from .sound import Signal

#: for each group, the ``(start, stop)`` of its recordings
Spans = tuple[tuple[tuple[int, int], ...], ...]


def cached(
    collection: Collection,
    description: list[Any],
    make: Callable[[], Iterable[list[Signal]]],
    paths: Iterable[str] = (),
) -> tuple[NDArray[np.int16], Spans]:
    """The waveforms that ``make`` returns, stored as int16, or a map of what an earlier call stored.

    What is stored is used only if its hash is right and the recordings have not changed since.

    Args:
        collection: where the waveforms come from.
        description: distinguishes them from everything else made of this collection; must be serialisable as JSON.
        make: returns waveforms between -1 and 1, one list per group.
        paths: of the recordings that ``make`` reads.

    Returns:
        ``samples`` and ``spans`` as in :class:`~.corpus.Voices`.

    Raises:
        UserError: a recording is missing, or the cache cannot be written.
    """
    identity = json.dumps([str(collection.location.resolve()), description])
    key = hashlib.sha256(identity.encode()).hexdigest()[:16]
    folder = platformdirs.user_cache_path("sepprune") / "recordings"
    samples_file, index_file = folder / f"{key}.npy", folder / f"{key}.json"
    versions = hashlib.sha256(json.dumps([collection.version(path) for path in paths]).encode()).hexdigest()
    found = _read(samples_file, index_file, versions)
    if found is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _store(make(), samples_file, index_file, versions)
        except OSError as error:
            raise UserError(
                f"cannot store decoded recordings in {folder} ({reason(error)}): make room there, or name another "
                "cache folder with XDG_CACHE_HOME"
            ) from error
        found = _read(samples_file, index_file, versions)
        if found is None:
            raise UserError(f"{samples_file} was damaged while it was written: check the disk, then start again")
    return found


def _read(samples_file: Path, index_file: Path, versions: str) -> tuple[NDArray[np.int16], Spans] | None:
    """What is stored, ``None`` if it is missing, outdated or damaged."""
    try:
        index = json.loads(index_file.read_bytes())
        if index["versions"] != versions or index["sha256"] != _hash(samples_file):
            return None
        spans = tuple(tuple((int(start), int(stop)) for start, stop in group) for group in index["groups"])
        samples = np.load(samples_file, mmap_mode="r")
        if not all(0 <= start <= stop <= len(samples) for group in spans for start, stop in group):
            return None
    except (OSError, *MALFORMED):
        return None
    return samples, spans


def _store(groups: Iterable[list[Signal]], samples_file: Path, index_file: Path, versions: str) -> None:
    spans: list[list[tuple[int, int]]] = []
    pieces: list[NDArray[np.int16]] = []
    position = 0
    for group in groups:
        spans.append([])
        for samples in group:
            # resampling can exceed full scale: the recording is made quieter, since clipping would distort it
            full = 32767 / max(1.0, float(np.abs(samples).max(initial=0.0)))
            pieces.append((samples * np.float32(full)).round().clip(-32768, 32767).astype(np.int16))
            spans[-1].append((position, position + len(samples)))
            position += len(samples)
    with whole_file(samples_file) as file:
        np.save(file, np.concatenate(pieces))
    write_whole(
        index_file,
        json.dumps({"versions": versions, "sha256": _hash(samples_file), "groups": spans}).encode(),
    )


def _hash(file: Path) -> str:
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
