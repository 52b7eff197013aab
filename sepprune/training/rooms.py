"""Room impulse responses for mixtures, measured and simulated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.collection import Collection
from ..data.corpus import SAMPLE_RATE, Voices
from ..data.decoded import cached
from ..data.sound import Signal, read_channels, resampled
from ..errors import UserError

#: talkers in one simulated room
POSITIONS = 4
#: increased when simulation or trimming changes, so that old caches are not read
_VERSION = 3
#: samples before the direct sound that are kept
_LEAD = 16
#: share of the energy of a response that is cut from its end
_TAIL = 1e-5


def load_rooms(collection: Collection, split: str, simulated: int) -> Voices:
    """Responses grouped by room; every response starts with its direct sound.

    The strongest response of a room has unit energy, and the others keep their level relative to it: a distant talker
    has a lower level, not only more reverberation.

    Each measured recording is one room, and its channels are the places of talkers. Measured rooms are listed several
    times, so that a third of all draws is a measured room.

    Args:
        collection: recordings; measured rooms are the files in ``rir/``, if there are any.
        split: of the measured rooms; also decides which rooms are simulated.
        simulated: number of shoebox rooms to simulate, 3 to 8 m long, with reverberation times of 0.15 to 0.6 s.

    Raises:
        UserError: there are no rooms, or some must be simulated and pyroomacoustics is not installed.
    """
    recordings = collection.recordings(split, "rir")
    if not recordings and not simulated:
        raise UserError(f"the data has no rooms in {split}: set `rooms` under [mixtures] above 0, or `room` to 0")

    def rooms() -> Iterator[list[Signal]]:
        for recording in recordings:
            yield _channels(collection.read(recording.path), recording.path)
        yield from simulate_rooms(simulated, seed=sum(map(ord, split)))

    description = ["rooms", _VERSION, split, simulated, [vars(recording) for recording in recordings]]
    samples, spans = cached(collection, description, rooms, [recording.path for recording in recordings])
    measured, shoeboxes = spans[: len(recordings)], spans[len(recordings) :]
    times = round(len(shoeboxes) / 2 / len(measured)) if measured else 0
    return Voices(samples, measured * max(1, times) + shoeboxes)


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
        except ValueError:  # no absorption is high enough for so short a reverberation in so large a room
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
    """A place in the room, 0.3 to 4 m from the microphone."""
    while True:
        place = random.uniform([0.3, 0.3, 1.0], size - [0.3, 0.3, 0.3])
        if 0.3 <= np.linalg.norm(place - microphone) <= 4.0:
            return place


def _channels(content: bytes, name: str) -> list[Signal]:
    samples, rate = read_channels(content, name)
    return _scaled(
        [_trimmed(resampled(channel, rate, SAMPLE_RATE)) for channel in samples.T if np.abs(channel).max() > 0]
    )


def _scaled(responses: list[NDArray[np.float64]]) -> list[Signal]:
    """The responses of a room, scaled by one factor so that the strongest has unit energy."""
    strongest = max((np.square(response).sum() for response in responses), default=1.0)
    return [(response / np.sqrt(strongest)).astype(np.float32) for response in responses]


def _trimmed(response: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """A response from its direct sound to where little energy is left."""
    start = max(0, int(np.abs(response).argmax()) - _LEAD)
    rest = response[start:].astype(np.float64)
    left = np.cumsum(np.square(rest)[::-1])[::-1]
    return rest[: max(_LEAD + 1, int(np.searchsorted(-left, -_TAIL * left[0])))]
