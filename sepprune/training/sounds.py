"""The recordings that training mixtures are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.collection import Collection
from ..data.corpus import Voices, load_voices
from ..data.sound import Signal
from .rooms import load_rooms
from .settings import MixtureSettings

#: a stretch of samples in :attr:`Voices.samples`: first sample, and first sample after it
Span = tuple[int, int]


@dataclass(frozen=True)
class Sounds:
    """The recordings of one split.

    Args:
        speech: voices, by speaker.
        noise: background noise, by class; ``None`` if mixtures have none.
        rooms: impulse responses, by room; ``None`` if mixtures are in no room.
    """

    speech: Voices
    noise: Voices | None = None
    rooms: Voices | None = None


def load_sounds(collection: Collection, split: str, settings: MixtureSettings) -> Sounds:
    """The recordings of a split that ``settings`` ask for.

    Raises:
        UserError: the split lacks them, or rooms must be simulated and pyroomacoustics is not installed.
    """
    # rooms come first: decoding takes minutes, and a missing simulator should be reported before
    rooms = load_rooms(collection, split, settings.rooms) if settings.room else None
    return Sounds(
        load_voices(collection, split, "speech"),
        load_voices(collection, split, "noise") if settings.noise else None,
        rooms,
    )


def excerpt(recordings: Voices, *spans: Span) -> Signal:
    """Stretches of recordings, one after the other, between -1 and 1."""
    samples = np.concatenate([recordings.samples[start:stop] for start, stop in spans])
    return samples.astype(np.float32) / np.float32(32768)
