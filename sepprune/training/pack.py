"""A selection of a data folder as one small file, for machines to which only little can be copied."""

from __future__ import annotations

import csv
import dataclasses
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import numpy as np

from ..errors import UserError
from .corpus import Collection, Recording

#: what each part may take of the pack; validation speech is small and always whole
_SHARES = {"noise": 0.1, "rir": 0.02, "speech": 1.0}


def write_pack(collection: Collection, destination: Path, megabytes: float, seed: int = 0) -> dict[str, float]:
    """Write as many recordings as fit, every speaker in turn, so that a small pack still has all speakers.

    Recordings are stored as they are (Opus stays Opus). The result can be given wherever a data folder can.

    Returns:
        ``bytes``, ``recordings`` and ``speakers`` of the pack.

    Raises:
        UserError: not even the validation speech fits.
    """
    limit, spent = megabytes * 1e6, 0.0
    chosen: list[tuple[Recording, bytes]] = []
    for recording in collection.recordings("valid", "speech"):
        content = collection.read(recording.path)
        spent += len(content)
        chosen.append((recording, content))
    if spent > 0.5 * limit:
        raise UserError(f"{megabytes:g} MB is too little: the validation speech alone takes {spent / 1e6:.1f} MB")
    for kind, share in _SHARES.items():
        end = min(limit, spent + share * limit) * 0.99  # one hundredth for the zip's own directory
        for recording in _in_turn(collection.recordings("train", kind), seed):
            content = collection.read(recording.path)
            if spent + len(content) > end:
                break
            spent += len(content)
            chosen.append((recording, content))
    _write(destination, chosen)
    return {"bytes": destination.stat().st_size, "recordings": len(chosen),
            "speakers": len({(recording.corpus, recording.speaker) for recording, _ in chosen})}


def _in_turn(recordings: list[Recording], seed: int) -> Iterator[Recording]:
    """One recording of every speaker, then a second of every speaker, and so on, in random order."""
    random = np.random.default_rng(seed)
    voices: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for index in random.permutation(len(recordings)):
        voices[recordings[index].corpus, recordings[index].speaker].append(recordings[index])
    for turn in zip_longest(*voices.values()):
        yield from (recording for recording in turn if recording is not None)


def _write(destination: Path, chosen: list[tuple[Recording, bytes]]) -> None:
    manifest = io.StringIO()
    writer = csv.writer(manifest)
    columns = [field.name for field in dataclasses.fields(Recording)]
    writer.writerow(columns)
    writer.writerows([getattr(recording, column) for column in columns] for recording, _ in chosen)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(destination, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("manifest.csv", manifest.getvalue())
        for recording, content in chosen:
            archive.writestr(recording.path, content)
