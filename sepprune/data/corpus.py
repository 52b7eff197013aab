"""Recorded speech, noise and rooms, decoded once and cached in memory-mapped files.

A data folder has a ``manifest.csv`` with the columns ``split, corpus, speaker, path, seconds`` and optionally ``sex``.
Paths are relative to the folder and start with ``speech/``, ``noise/`` or ``rir/``. A pack holds the same in one zip
file.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from ..errors import UserError
from ..files import whole_file, write_whole
from .sound import Signal, read_at_rate

SAMPLE_RATE = 16_000
#: the file that a folder or a pack must hold
MANIFEST = "manifest.csv"
#: increased when decoding changes, so that old caches are not read
_DECODER_VERSION = 1
#: for each group, the ``(start, stop)`` of its recordings
Spans = tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True)
class Recording:
    """One line of a manifest."""

    split: str
    corpus: str
    speaker: str
    path: str
    sex: str = ""

    @property
    def kind(self) -> str:
        """``speech``, ``noise`` or ``rir``."""
        return self.path.split("/", 1)[0]


class Collection:
    """The recordings of a data folder, a pack, or a folder of packs.

    Args:
        location: path of the folder or pack.

    Raises:
        UserError: there are none.
    """

    def __init__(self, location: str | os.PathLike[str]) -> None:
        self.location = Path(location)
        self._packs: dict[str, zipfile.ZipFile] = {}
        if (self.location / MANIFEST).is_file():
            self._manifests = [(self.location / MANIFEST).read_bytes()]
            return
        files = sorted(self.location.glob("*.pack")) if self.location.is_dir() else [self.location]
        packs = [zipfile.ZipFile(file) for file in files if file.is_file() and zipfile.is_zipfile(file)]
        if not packs:
            raise UserError(
                f"{self.location} holds no training data: expected a folder with a {MANIFEST}, "
                "a file written by `sepprune pack`, or a folder of such files with names *.pack"
            )
        self._manifests = [pack.read(MANIFEST) for pack in packs]
        for pack in packs:
            self._packs |= dict.fromkeys(pack.namelist(), pack)

    def read(self, path: str) -> bytes:
        """The bytes of one file."""
        return self._packs[path].read(path) if self._packs else (self.location / path).read_bytes()

    def recordings(self, split: str, kind: str) -> list[Recording]:
        """All recordings of one kind (``speech``, ``noise``, ``rir``) in one split."""
        lines = chain.from_iterable(
            csv.DictReader(io.StringIO(manifest.decode("utf-8"))) for manifest in self._manifests
        )
        every = (
            Recording(line["split"], line["corpus"], line["speaker"], line["path"], line.get("sex") or "")
            for line in lines
        )
        return [recording for recording in every if recording.split == split and recording.kind == kind]


@dataclass(frozen=True)
class Voices:
    """Decoded recordings, grouped by speaker, noise class or room.

    Args:
        samples: all recordings one after the other, int16 at :data:`SAMPLE_RATE`.
        spans: for each group, the ``(start, stop)`` of its recordings in ``samples``.
        sexes: the sex of each speaker as in the manifest, ``""`` if unknown; ``()`` for noise and rooms.
    """

    samples: NDArray[np.int16]
    spans: Spans
    sexes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def hours(self) -> float:
        """Length of all recordings together."""
        return sum(stop - start for spans in self.spans for start, stop in spans) / SAMPLE_RATE / 3600


def load_voices(collection: Collection, split: str, kind: str) -> Voices:
    """Decode all recordings of a kind, or map the cache of an earlier call.

    Silence at the edges of speech is cut, so that mixed voices really overlap.

    Args:
        collection: the recordings.
        split: name of the split.
        kind: ``speech``, ``noise`` or ``rir``.

    Raises:
        UserError: the split has none of this kind, or a file cannot be read.
    """
    recordings = collection.recordings(split, kind)
    if not recordings:
        raise UserError(f"{collection.location} has no {kind} in its split {split!r}: see its manifest.csv")
    description = [_DECODER_VERSION, [vars(recording) for recording in recordings]]
    samples, spans = cached(collection, description, lambda: _grouped(collection, recordings))
    return Voices(samples, spans, tuple(group[0].sex for group in _by_speaker(recordings)))


def cached(
    collection: Collection, description: list[Any], make: Callable[[], Iterable[list[Signal]]]
) -> tuple[NDArray[np.int16], Spans]:
    """The waveforms that ``make`` returns, stored as int16, or a map of what an earlier call stored.

    Args:
        collection: where the waveforms come from.
        description: distinguishes them from everything else made of this collection; must be serialisable as JSON.
        make: returns waveforms between -1 and 1, one list per group.

    Returns:
        ``samples`` and ``spans`` as in :class:`Voices`.
    """
    identity = json.dumps([str(collection.location.resolve()), description])
    key = hashlib.sha256(identity.encode()).hexdigest()[:16]
    folder = platformdirs.user_cache_path("sepprune") / "recordings"
    samples_file, index_file = folder / f"{key}.npy", folder / f"{key}.json"
    if not index_file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _store(make(), samples_file, index_file)
    groups = json.loads(index_file.read_text())
    spans = tuple(tuple((int(start), int(stop)) for start, stop in group) for group in groups)
    return np.load(samples_file, mmap_mode="r"), spans


def _by_speaker(recordings: Iterable[Recording]) -> list[list[Recording]]:
    groups: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for recording in recordings:
        groups[recording.corpus, recording.speaker or recording.path].append(recording)
    return list(groups.values())


def _grouped(collection: Collection, recordings: list[Recording]) -> list[list[Signal]]:
    """Decoded recordings by speaker; silence at the edges of speech is cut."""
    decoded = dict(zip(recordings, decode_all(collection, recordings), strict=True))
    return [
        [trim_silence(decoded[recording]) if recording.kind == "speech" else decoded[recording] for recording in group]
        for group in _by_speaker(recordings)
    ]


def _store(groups: Iterable[list[Signal]], samples_file: Path, index_file: Path) -> None:
    spans: list[list[tuple[int, int]]] = []
    pieces: list[NDArray[np.int16]] = []
    position = 0
    for group in groups:
        spans.append([])
        for samples in group:
            pieces.append((samples * 32767).round().clip(-32768, 32767).astype(np.int16))
            spans[-1].append((position, position + len(samples)))
            position += len(samples)
    with whole_file(samples_file) as file:
        np.save(file, np.concatenate(pieces))
    write_whole(index_file, json.dumps(spans).encode())


def decode_all(collection: Collection, recordings: Iterable[Recording]) -> Iterator[Signal]:
    """Waveforms at :data:`SAMPLE_RATE`, mono, in the given order."""
    contents = ((recording.path, collection.read(recording.path)) for recording in recordings)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda item: read_at_rate(item[1], SAMPLE_RATE, item[0]), contents)


def trim_silence(samples: Signal, range_db: float = 40.0) -> Signal:
    """Cut start and end where the level is more than ``range_db`` below the loudest 20 ms.

    >>> sound = np.concatenate([np.zeros(3200), np.ones(1600), np.zeros(3200)]).astype(np.float32)
    >>> len(trim_silence(sound))
    1600
    """
    block = SAMPLE_RATE // 50
    blocks = len(samples) // block
    if blocks == 0:
        return samples
    power = np.square(samples[: blocks * block].reshape(blocks, block)).mean(axis=1)
    audible = np.flatnonzero(power > power.max() * 10 ** (-range_db / 10))
    return samples[audible[0] * block : (audible[-1] + 1) * block] if len(audible) else samples
