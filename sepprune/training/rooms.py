"""Room impulse responses, measured and simulated, as the mixer plays voices through them."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ..data.corpus import SAMPLE_RATE, Collection, Signal, Voices, cached
from ..errors import UserError

#: places of a talker in one simulated room
POSITIONS = 4
#: changes when simulation or trimming changes, so that stale caches are not read
_VERSION = 3
#: kept before the direct sound, in samples
_LEAD = 16
#: responses are cut where less than this share of their energy is left
_TAIL = 1e-5


def load_rooms(collection: Collection, split: str, simulated: int) -> Voices:
    """Responses grouped by room; every response starts with its direct sound.

    The strongest of a room has unit energy, the others are as much weaker as they are in the room: who sits farther
    away is heard with less level, not only with more reverberation.

    A measured room stands for one recording, whose channels are its positions. Measured rooms are listed over and
    over, so that a third of all draws takes one.

    Args:
        collection: recordings; measured rooms are its ``rir/`` files, where it has such.
        split: which of them.
        simulated: shoebox rooms to simulate, 3 to 8 m long, reverberation time 0.15 to 0.6 s.
    """
    recordings = collection.recordings(split, "rir")

    def rooms() -> Iterator[list[Signal]]:
        for recording in recordings:
            yield _channels(collection.read(recording.path))
        yield from simulate_rooms(simulated, seed=sum(map(ord, split)))

    description = ["rooms", _VERSION, split, simulated, [vars(recording) for recording in recordings]]
    both = cached(collection, description, rooms)
    measured, shoeboxes = both.spans[: len(recordings)], both.spans[len(recordings) :]
    times = round(len(shoeboxes) / 2 / len(measured)) if measured else 0
    return Voices(both.samples, measured * max(1, times) + shoeboxes)


def simulate_rooms(count: int, seed: int) -> Iterator[list[Signal]]:
    """Shoebox rooms by the image source method (Allen and Berkley, 1979), each with :data:`POSITIONS` talkers.

    Raises:
        UserError: pyroomacoustics is not installed.
    """
    try:
        import pyroomacoustics
    except ImportError as error:
        raise UserError(
            "simulating rooms needs pyroomacoustics: pip install 'sepprune-live[train]', or set `room` "
            "under [mixtures] to 0"
        ) from error
    random = np.random.default_rng(seed)
    while count:
        size = random.uniform([3.0, 3.0, 2.4], [8.0, 6.0, 3.5])
        seconds = random.uniform(0.15, 0.6)
        try:
            absorption, order = pyroomacoustics.inverse_sabine(seconds, size)
        except ValueError:  # walls cannot absorb enough for so short a reverberation in so large a room
            continue
        room = pyroomacoustics.ShoeBox(
            size, fs=SAMPLE_RATE, materials=pyroomacoustics.Material(absorption), max_order=min(order, 40)
        )
        microphone = random.uniform([0.8, 0.8, 0.7], size - [0.8, 0.8, 0.8])
        room.add_microphone(microphone)
        for _ in range(POSITIONS):
            room.add_source(_talker(random, size, microphone))
        room.compute_rir()
        yield _scaled([_trimmed(response) for response in room.rir[0]])
        count -= 1


def _talker(
    random: np.random.Generator,
    size: NDArray[np.float64],
    microphone: NDArray[np.float64],
) -> NDArray[np.float64]:
    """A place 0.3 to 4 m from the microphone, inside the room."""
    while True:
        place = random.uniform([0.3, 0.3, 1.0], size - [0.3, 0.3, 0.3])
        if 0.3 <= np.linalg.norm(place - microphone) <= 4.0:
            return place


def _channels(content: bytes) -> list[Signal]:
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    return _scaled(
        [_trimmed(soxr.resample(channel, rate, SAMPLE_RATE)) for channel in samples.T if np.abs(channel).max() > 0]
    )


def _scaled(responses: list[NDArray[np.float64]]) -> list[Signal]:
    """A room's responses by one factor, the strongest then of unit energy."""
    strongest = max((np.square(response).sum() for response in responses), default=1.0)
    return [(response / np.sqrt(strongest)).astype(np.float32) for response in responses]


def _trimmed(response: NDArray[np.floating]) -> NDArray[np.float64]:
    """From the direct sound to where the energy has died away."""
    start = max(0, int(np.abs(response).argmax()) - _LEAD)
    response = response[start:].astype(np.float64)
    left = np.cumsum(np.square(response)[::-1])[::-1]
    return response[: max(_LEAD + 1, int(np.searchsorted(-left, -_TAIL * left[0])))]
