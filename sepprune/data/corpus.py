"""Recorded speech, noise and rooms, decoded once and cached in memory-mapped files.

A data folder has a ``manifest.csv`` with the columns ``split, corpus, speaker, path, seconds`` and optionally ``sex``.
Paths are relative to the folder and start with ``speech/``, ``noise/`` or ``rir/``. A pack holds the same in one zip
file.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..printing import counted, plain_console
from .collection import Collection, Recording
from .decoded import Spans, cached
from .sound import Signal, read_at_rate

SAMPLE_RATE = 16_000
#: increased when decoding changes, so that old caches are not read
_DECODER_VERSION = 1
#: so many recordings take a minute or more, which a user should know
_MANY = 2000


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
        raise UserError(
            f"{collection.location} has no {kind} in its split {split!r}: its manifest.csv needs lines with the split "
            f"{split} and a path that starts with {kind}/"
        )
    description = [_DECODER_VERSION, [vars(recording) for recording in recordings]]
    paths = [recording.path for recording in recordings]
    samples, spans = cached(collection, description, lambda: _grouped(collection, recordings), paths)
    return Voices(samples, spans, tuple(group[0].sex for group in _by_speaker(recordings)))


def _by_speaker(recordings: Iterable[Recording]) -> list[list[Recording]]:
    groups: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for recording in recordings:
        groups[recording.corpus, recording.speaker or recording.path].append(recording)
    return list(groups.values())


def _grouped(collection: Collection, recordings: list[Recording]) -> list[list[Signal]]:
    """Decoded recordings by speaker; silence at the edges of speech is cut."""
    if len(recordings) >= _MANY:
        many = counted(len(recordings), "recording")
        plain_console(stderr=True).print(
            f"decoding {many}, which takes minutes; the next run finds them", soft_wrap=True
        )
    decoded = dict(zip(recordings, decode_all(collection, recordings), strict=True))
    return [
        [trim_silence(decoded[recording]) if recording.kind == "speech" else decoded[recording] for recording in group]
        for group in _by_speaker(recordings)
    ]


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
