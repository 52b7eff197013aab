import dataclasses
from pathlib import Path

import numpy as np
import pytest

from sepprune.data.collection import Collection
from sepprune.data.corpus import Voices, load_voices
from sepprune.training.acoustics import speaking
from sepprune.training.rooms import load_rooms
from sepprune.training.scenes import LATE_DB, UNEQUAL_DB, Scene, draw_activity, draw_colour, draw_scenes
from sepprune.training.settings import MixtureSettings
from sepprune.training.sounds import Sounds

RATE = 16_000


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def voices(data_folder: Path) -> Voices:
    return load_voices(Collection(data_folder), "train", "speech")


@pytest.fixture
def rooms(data_folder: Path) -> Voices:
    return load_rooms(Collection(data_folder), "train", simulated=2)


def draw(sounds: Sounds, **settings: object) -> tuple[Scene, ...]:
    return draw_scenes(MixtureSettings(**{"seconds": 1.0, "batch": 300, **settings}), sounds, 0, 0)


def test_scenes_depend_on_seed_and_number_alone(voices: Voices) -> None:
    settings = MixtureSettings(seconds=0.5, batch=2)
    first, again, number, seed = (
        draw_scenes(settings, Sounds(voices), *chosen) for chosen in ((1, 4), (1, 4), (1, 5), (2, 4))
    )
    assert first == again and first != number and first != seed


def test_a_scene_cannot_be_changed(voices: Voices) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        draw(Sounds(voices))[0].clip = 1.0  # type: ignore[misc]  # that is the point


def test_two_different_speakers_are_drawn_and_all_of_them(voices: Voices) -> None:
    pairs = [tuple(voice.speaker for voice in scene.voices) for scene in draw(Sounds(voices))]
    assert all(one != two for one, two in pairs)
    assert {speaker for pair in pairs for speaker in pair} == set(range(len(voices)))


def test_speakers_of_one_sex_are_drawn_where_it_is_asked_for_and_known(voices: Voices) -> None:
    voices = Voices(voices.samples, voices.spans, ("female", "male", "female", ""))
    pairs = [tuple(voice.speaker for voice in scene.voices) for scene in draw(Sounds(voices), same_sex=1.0)]
    assert all(pair in ((0, 2), (2, 0)) for pair in pairs if pair[0] in (0, 2))
    assert all(one != two for one, two in pairs)


def test_spans_of_a_voice_are_its_speakers_and_long_enough(voices: Voices) -> None:
    for scene in draw(Sounds(voices), seconds=8.0, batch=20):
        for voice in scene.voices:
            utterances = voices.spans[voice.speaker]
            assert all(any(a <= start <= stop <= b for a, b in utterances) for start, stop in voice.spans)
            assert sum(stop - start for start, stop in voice.spans) >= int(8 * RATE * voice.speed)


def test_shares_are_probabilities(voices: Voices, rooms: Voices) -> None:
    share = 0.3
    scenes = draw(Sounds(voices, voices, rooms), noise=share, room=share, colour=share, clip=share, voice_colour=share)
    counts = [
        sum(scene.noise is not None for scene in scenes),
        sum(scene.room is not None for scene in scenes),
        sum(scene.colour is not None for scene in scenes),
        sum(scene.clip > 0 for scene in scenes),
        sum(voice.colour is not None for scene in scenes for voice in scene.voices) / 2,
    ]
    assert all(count / len(scenes) == pytest.approx(share, abs=0.1) for count in counts)


def test_a_quarter_of_the_noise_is_synthetic(voices: Voices) -> None:
    scenes = draw(Sounds(voices, voices), noise=1.0)
    synthetic = [scene.noise for scene in scenes if scene.noise is not None and scene.noise.span is None]
    assert len(synthetic) / len(scenes) == pytest.approx(0.25, abs=0.08)
    assert all(noise.white.shape == (RATE,) for noise in synthetic)


def test_without_recordings_there_is_neither_noise_nor_room(voices: Voices) -> None:
    assert all(scene.noise is scene.room is None for scene in draw(Sounds(voices), noise=1.0, room=1.0))


def test_two_talkers_have_two_places_of_one_room(voices: Voices, rooms: Voices) -> None:
    for scene in draw(Sounds(voices, rooms=rooms), room=1.0):
        one, two = scene.room.responses
        assert one != two and any({one, two} <= set(room) for room in rooms.spans)


def test_a_room_with_one_place_lends_the_second_talker_another_room(voices: Voices) -> None:
    rooms = Voices(voices.samples, tuple((span,) for spans in voices.spans for span in spans))
    pairs = [scene.room.responses for scene in draw(Sounds(voices, rooms=rooms), room=1.0)]
    assert len({span for pair in pairs for span in pair}) == len(rooms)


def test_a_share_of_the_talkers_is_moved_within_bounds(voices: Voices, rooms: Voices) -> None:
    scenes = draw(Sounds(voices, rooms=rooms), room=1.0, moved=0.25)
    moved = [scene.room for scene in scenes if any(scene.room.gains_db)]
    assert len(moved) / len(scenes) == pytest.approx(0.25, abs=0.08)
    assert all(LATE_DB[0] <= room.late_db <= LATE_DB[1] for room in moved)
    assert all(room.gains_db[0] == -room.gains_db[1] and abs(room.gains_db[0]) <= UNEQUAL_DB / 2 for room in moved)
    assert all(room.late_db == 0 for scene in scenes if not any((room := scene.room).gains_db))


@pytest.mark.parametrize(
    ("kind", "together"),
    [("overlap", (1.0, 1.0)), ("single", (0.0, 0.0)), ("partial_overlap", (0.45, 1.0)), ("turns", (0.02, 0.6))],
)
def test_voices_overlap_as_the_kind_says(random: np.random.Generator, kind: str, together: tuple[float, float]) -> None:
    shares = [speaking(draw_activity(kind, 4 * RATE, random)).min(axis=0).mean() for _ in range(30)]
    assert together[0] <= np.mean(shares) <= together[1]


def test_one_the_other_both_or_neither_speaks_where_voices_take_turns(random: np.random.Generator) -> None:
    speaks = np.concatenate([speaking(draw_activity("turns", 8 * RATE, random)).round() for _ in range(60)], axis=1)
    shares = {pair: float((speaks.T == pair).all(1).mean()) for pair in ((1, 0), (0, 1), (1, 1), (0, 0))}
    assert shares[1, 0] == pytest.approx(0.35, abs=0.08) and shares[0, 1] == pytest.approx(0.35, abs=0.08)
    assert shares[1, 1] == pytest.approx(0.2, abs=0.08) and shares[0, 0] == pytest.approx(0.1, abs=0.06)


@pytest.mark.parametrize("kind", ["partial_overlap", "turns"])
def test_stretches_end_with_the_mixture(random: np.random.Generator, kind: str) -> None:
    for length in (2, 7, RATE):
        activity = draw_activity(kind, length, random)
        assert activity.stops[-1] == length and list(activity.stops) == sorted(set(activity.stops))


def test_microphones_have_a_tilt_of_up_to_8_db_and_a_low_cut(random: np.random.Generator) -> None:
    colours = [draw_colour(random) for _ in range(200)]
    assert all(300 <= colour.corner <= 4000 and 20 <= colour.cut <= 200 for colour in colours)
    assert min(colour.boost_db for colour in colours) < -6 and 6 < max(colour.boost_db for colour in colours) <= 8
