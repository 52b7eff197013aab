"""Recorded speech, noise and rooms, decoded once and kept ready in memory-mapped files.

A data folder has a ``manifest.csv`` with the columns ``split, corpus, speaker, path, seconds`` (paths relative to
it, starting with ``speech/``, ``noise/`` or ``rir/``) and, where it is known, ``sex``. A pack is the same as one zip
file.
"""

from __future__ import annotations

import csv
import dataclasses
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
import soundfile
import soxr
from numpy.typing import NDArray

from ..errors import UserError

SAMPLE_RATE = 16_000
Signal = NDArray[np.float32]
KINDS = ("speech", "noise", "rir")
#: what a folder or a pack has to hold
MANIFEST = "manifest.csv"
#: changes when decoding changes, so that stale caches are not read
_DECODER_VERSION = 1


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
        return self.path.split("/", 1)[0]


class Collection:
    """Where recordings lie: a folder, a pack, or a folder of packs.

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
        """Everything of one kind (``speech``, ``noise``, ``rir``) in one split."""
        lines = chain.from_iterable(
            csv.DictReader(io.StringIO(manifest.decode("utf-8"))) for manifest in self._manifests
        )
        every = (
            Recording(*(line[name] for name in ("split", "corpus", "speaker", "path")), line.get("sex") or "")
            for line in lines
        )
        return [recording for recording in every if recording.split == split and recording.kind == kind]


@dataclass(frozen=True)
class Voices:
    """Decoded recordings grouped by who or what is heard.

    Args:
        samples: all recordings one after the other, int16.
        spans: for each speaker (or noise class, or room) the ``(start, stop)`` of its recordings in ``samples``.
        sexes: of each speaker, as the manifest has it, empty where it says nothing; ``()`` for what has none.
    """

    samples: NDArray[np.int16]
    spans: tuple[tuple[tuple[int, int], ...], ...]
    sexes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def hours(self) -> float:
        return sum(stop - start for spans in self.spans for start, stop in spans) / SAMPLE_RATE / 3600


def load_voices(collection: Collection, split: str, kind: str) -> Voices:
    """Decode all recordings of a kind, or map what an earlier call decoded.

    Speech is cut to where it is audible, so that two voices put together really overlap.

    Raises:
        UserError: the collection has none.
    """
    recordings = collection.recordings(split, kind)
    if not recordings:
        raise UserError(f"{collection.location} has no {kind} in its split {split!r}: see its manifest.csv")
    voices = cached(
        collection,
        [_DECODER_VERSION, [vars(recording) for recording in recordings]],
        lambda: _grouped(collection, recordings),
    )
    return dataclasses.replace(voices, sexes=tuple(group[0].sex for group in _by_speaker(recordings)))


def cached(collection: Collection, description: list[Any], make: Callable[[], Iterable[list[Signal]]]) -> Voices:
    """What ``make`` gives, group by group, or a map of what it gave to an earlier call.

    Args:
        collection: where it comes from.
        description: what distinguishes it from everything else made of this collection, as JSON.
        make: waveforms between -1 and 1, one list a group.
    """
    identity = json.dumps([str(collection.location.resolve()), description])
    key = hashlib.sha256(identity.encode()).hexdigest()[:16]
    folder = platformdirs.user_cache_path("sepprune") / "recordings"
    samples_file, index_file = folder / f"{key}.npy", folder / f"{key}.json"
    if not index_file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _store(make(), samples_file, index_file)
    spans = json.loads(index_file.read_text())
    return Voices(np.load(samples_file, mmap_mode="r"), tuple(tuple(map(tuple, voice)) for voice in spans))


def _by_speaker(recordings: Iterable[Recording]) -> list[list[Recording]]:
    groups: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for recording in recordings:
        groups[recording.corpus, recording.speaker or recording.path].append(recording)
    return list(groups.values())


def _grouped(collection: Collection, recordings: list[Recording]) -> list[list[Signal]]:
    """Recordings by who is heard, speech cut to where it is audible."""
    decoded = dict(zip(recordings, decode_all(collection, recordings), strict=True))
    return [
        [trim_silence(decoded[recording]) if recording.kind == "speech" else decoded[recording] for recording in group]
        for group in _by_speaker(recordings)
    ]


def _store(groups: Iterable[list[Signal]], samples_file: Path, index_file: Path) -> None:
    spans, pieces, position = [], [], 0
    for group in groups:
        spans.append([])
        for samples in group:
            pieces.append((samples * 32767).round().clip(-32768, 32767).astype(np.int16))
            spans[-1].append((position, position + len(samples)))
            position += len(samples)
    _write_atomically(samples_file, lambda file: np.save(file, np.concatenate(pieces)))
    _write_atomically(index_file, lambda file: file.write(json.dumps(spans).encode()))


def decode_all(collection: Collection, recordings: Iterable[Recording]) -> Iterator[NDArray[np.float32]]:
    """Waveforms at :data:`SAMPLE_RATE`, mono, in order."""
    contents = ((recording.path, collection.read(recording.path)) for recording in recordings)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda item: decode(*item), contents)


def decode(name: str, content: bytes) -> NDArray[np.float32]:
    """One sound file's bytes as mono at :data:`SAMPLE_RATE`."""
    try:
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise UserError(
            f"{name} is not a sound file that can be read ({error}): remove it or take it out of the manifest"
        ) from error
    mono = samples.mean(axis=1)
    return mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE)


def trim_silence(samples: NDArray[np.float32], range_db: float = 40.0) -> NDArray[np.float32]:
    """Cut the start and end that lie more than ``range_db`` below the loudest 20 ms.

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


def _write_atomically(path: Path, write: Any) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with open(temporary, "wb") as file:
        write(file)
    os.replace(temporary, path)
