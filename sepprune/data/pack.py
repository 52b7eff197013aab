"""A selection of a data folder as one or a few small files, for machines to which only little can be copied."""

from __future__ import annotations

import csv
import dataclasses
import io
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np

from ..errors import UserError
from .corpus import MANIFEST, Collection, Recording

#: what each part may take of the pack; validation speech is small and always whole
_SHARES = {"noise": 0.1, "rir": 0.02, "speech": 1.0}
#: bytes that a recording takes beside its content: its names in the zip's two directories and in the manifest
_OVERHEAD = 400


def write_packs(
    collection: Collection, destinations: Sequence[Path], megabytes: float, seed: int = 0, validation: bool = True
) -> dict[str, float]:
    """Write as many recordings as fit into files of a size, every speaker's first seconds before anyone's next.

    So a small pack still has all speakers, and about as much of each. Recordings are stored as they are (Opus stays
    Opus). The first file holds all that is not speech and can be used alone; a folder with all of them can be given
    wherever a data folder can.

    Args:
        collection: what to choose from.
        destinations: the files.
        megabytes: largest size of a file.
        seed: of the selection.
        validation: include the validation speech, whole.

    Returns:
        ``bytes``, ``recordings`` and ``speakers`` of all packs.

    Raises:
        UserError: not even the validation speech fits.
    """
    limit, packs = 0.99 * megabytes * 1e6, [_Content() for _ in destinations]  # a hundredth for the directory
    for recording in collection.recordings("valid", "speech") if validation else ():
        packs[0].add(recording, collection.read(recording.path))
    if packs[0].size > 0.5 * limit:
        raise UserError(
            f"{megabytes:g} MB is too little: the validation speech alone takes {packs[0].size / 1e6:.1f} MB"
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
    """Recordings and their content, ordered by how much of the same speaker comes before."""
    random, heard = np.random.default_rng(seed), defaultdict[tuple[str, str], int](int)
    queue = []
    for index in random.permutation(len(recordings)):
        recording, content = recordings[index], collection.read(recordings[index].path)
        who = recording.corpus, recording.speaker
        queue.append((heard[who], recording, content))
        heard[who] += len(content)
    return [(recording, content) for _, recording, content in sorted(queue, key=itemgetter(0))]


class _Content:
    """What goes into one file."""

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
        destination.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(destination, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(MANIFEST, manifest.getvalue())
            for recording, content in zip(self.recordings, self._contents, strict=True):
                archive.writestr(recording.path, content)
