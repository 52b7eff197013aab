"""Packs: a selection of a data folder in one or a few small files."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import IO

import numpy as np

from ..errors import UserError
from ..files import reason, whole_file
from .collection import MANIFEST, Collection, Recording

#: largest share of a pack for each kind; validation recordings are small and always complete
_SHARES = {"noise": 0.1, "rir": 0.02, "speech": 1.0}
#: bytes per recording besides its content: its name in the two directories of the zip file and in the manifest
_OVERHEAD = 400


def write_packs(
    collection: Collection, destinations: Sequence[Path], megabytes: float, seed: int = 0, validation: bool = True
) -> dict[str, float]:
    """Write as many recordings as fit, taking turns between speakers.

    A small pack still has all speakers, and about as much of each. Recordings keep their encoding (Opus stays Opus).
    The first pack holds everything that is not speech and can be used alone. A folder with all packs can be used
    wherever a data folder can.

    Args:
        collection: what to choose from.
        destinations: the packs to write.
        megabytes: largest size of a pack.
        seed: of the selection.
        validation: include all speech and noise of the split ``valid``.

    Returns:
        ``bytes``, ``recordings`` and ``speakers`` of all packs.

    Raises:
        UserError: the validation recordings alone do not fit, or a file cannot be read or written.
    """
    if not 0 < megabytes < math.inf or not destinations:
        raise UserError(f"{megabytes:g} MB in {len(destinations)} packs are not possible: give more than 0 of both")
    limit, packs = 0.99 * megabytes * 1e6, [_Content() for _ in destinations]  # a hundredth for the directory
    for kind in ("speech", "noise") if validation else ():  # what scores during training are made of
        for recording in collection.recordings("valid", kind):
            packs[0].add(recording, collection.read(recording.path))
    if packs[0].size > 0.5 * limit:
        raise UserError(
            f"{megabytes:g} MB is too little: the validation recordings alone take {packs[0].size / 1e6:.1f} MB"
        )
    for kind, share in _SHARES.items():
        end = min(limit, packs[0].size + share * limit)
        for recording, content in _evenly(collection, collection.recordings("train", kind), seed):
            fits = [pack for pack in packs if pack.size + len(content) <= (end if pack is packs[0] else limit)]
            if fits and (kind == "speech" or fits[0] is packs[0]):
                fits[0].add(recording, content)
    for destination, pack in zip(destinations, packs, strict=True):
        pack.write(destination)
    chosen = [recording for pack in packs for recording in pack.recordings]
    return {
        "bytes": sum(destination.stat().st_size for destination in destinations),
        "recordings": len(chosen),
        "speakers": len({(recording.corpus, recording.speaker) for recording in chosen}),
    }


def _evenly(collection: Collection, recordings: list[Recording], seed: int) -> list[tuple[Recording, bytes]]:
    """Recordings and their content, sorted by how many bytes of the same speaker come before."""
    random, heard = np.random.default_rng(seed), defaultdict[tuple[str, str], int](int)
    queue = []
    for index in random.permutation(len(recordings)):
        recording, content = recordings[index], collection.read(recordings[index].path)
        who = recording.corpus, recording.speaker
        queue.append((heard[who], recording, content))
        heard[who] += len(content)
    return [(recording, content) for _, recording, content in sorted(queue, key=itemgetter(0))]


class _Content:
    """The content of one pack."""

    def __init__(self) -> None:
        self.recordings: list[Recording] = []
        self._contents: list[bytes] = []
        self.size = 0

    def add(self, recording: Recording, content: bytes) -> None:
        self.recordings.append(recording)
        self._contents.append(content)
        self.size += len(content) + _OVERHEAD

    def write(self, destination: Path) -> None:
        manifest = io.StringIO()
        writer = csv.writer(manifest)
        columns = [field.name for field in dataclasses.fields(Recording)]
        writer.writerow(columns)
        writer.writerows([getattr(recording, column) for column in columns] for recording in self.recordings)
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(destination) as file:
                self._write_zip(file, manifest.getvalue())
        except OSError as error:
            raise UserError(f"cannot write {destination} ({reason(error)}): choose another file with --out") from error

    def _write_zip(self, file: IO[bytes], manifest: str) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(MANIFEST, manifest)
            for recording, content in zip(self.recordings, self._contents, strict=True):
                archive.writestr(recording.path, content)
