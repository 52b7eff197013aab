import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepprune.data.collection import Collection
from sepprune.errors import UserError
from sepprune.training.rooms import POSITIONS, load_rooms, simulate_rooms

RATE = 16_000


@pytest.fixture
def measured(tmp_path: Path) -> Collection:
    """One room of two channels, measured at 48 kHz with 20 ms of silence before the direct sound."""
    (tmp_path / "rir/train").mkdir(parents=True)
    tail = np.random.default_rng(0).standard_normal((9600, 2)) * 0.2 * 0.999 ** np.arange(9600)[:, None]
    response = np.concatenate([np.zeros((960, 2)), np.ones((1, 2)), tail])
    soundfile.write(tmp_path / "rir/train/hall.flac", response * 0.3, 48_000)
    with open(tmp_path / "manifest.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["split", "corpus", "speaker", "path"])
        writer.writerow(["train", "halls", "", "rir/train/hall.flac"])
    return Collection(tmp_path)


def responses(rooms) -> list[np.ndarray]:
    return [rooms.samples[start:stop] / 32768 for room in rooms.spans for start, stop in room]


def test_a_measured_rooms_channels_are_its_positions(measured: Collection) -> None:
    assert len(load_rooms(measured, "train", simulated=0).spans[0]) == 2


def test_responses_start_with_the_direct_sound(measured: Collection) -> None:
    for response in responses(load_rooms(measured, "train", simulated=2)):
        assert np.abs(response).argmax() <= 16


def test_the_strongest_response_of_a_room_has_unit_energy(measured: Collection) -> None:
    rooms = load_rooms(measured, "train", simulated=2)
    for room in rooms.spans:
        energies = [np.square(rooms.samples[start:stop] / 32768).sum() for start, stop in room]
        assert max(energies) == pytest.approx(1, abs=0.01)


def test_a_distant_talker_has_a_lower_level() -> None:
    direct = [[np.abs(response).max() for response in room] for room in simulate_rooms(6, seed=0)]
    assert max(max(room) / min(room) for room in direct) > 2


def test_a_third_of_all_rooms_is_measured(measured: Collection) -> None:
    spans = load_rooms(measured, "train", simulated=8).spans
    assert sum(room == spans[0] for room in spans) == 4 and len(spans) == 12


def test_without_measured_rooms_all_are_simulated(measured: Collection) -> None:
    assert len(load_rooms(measured, "valid", simulated=2)) == 2


def test_simulated_rooms_are_the_same_for_the_same_seed() -> None:
    first, second = (next(simulate_rooms(1, seed=3)) for _ in range(2))
    assert len(first) == POSITIONS and all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


def test_simulated_rooms_reverberate_for_a_tenth_to_a_second() -> None:
    for room in simulate_rooms(4, seed=0):
        for response in room:
            left = 10 * np.log10(np.cumsum(np.square(response)[::-1])[::-1] / np.square(response).sum() + 1e-12)
            assert 0.02 < np.flatnonzero(left > -30)[-1] / RATE < 0.6


def test_no_rooms_at_all_are_refused(measured: Collection) -> None:
    with pytest.raises(UserError, match="no rooms in valid: set `rooms` under .mixtures. above 0, or `room` to 0"):
        load_rooms(measured, "valid", simulated=0)
