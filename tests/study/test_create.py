from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepprune.errors import UserError
from sepprune.streaming import Ladder
from sepprune.study.archive import Study
from sepprune.study.create import Created, StudySettings, create_study
from sepprune.study.design import ABX, LOW_PASS, MIXTURE, MUSHRA, REFERENCE
from sepprune.study.render import Recording, in_order, passages
from sepprune.study.sound import PEAK, faded, loudness, low_pass, matching_gains
from tests.streaming.ladders import babble, converted_levels, skim_ladder, tcn_ladder

__all__ = ["converted_levels", "skim_ladder", "tcn_ladder"]
RATE = 16_000


def recording(folder: Path, seconds: float = 4.0, clean: bool = False, name: str = "talk") -> Recording:
    path = folder / f"{name}.wav"
    soundfile.write(path, babble(seconds), RATE, subtype="FLOAT")
    voices = []
    for number, pitch in enumerate((130.0, 210.0)):
        voices.append(folder / f"{name}-voice{number}.wav")
        time = np.arange(round(seconds * RATE)) / RATE
        soundfile.write(voices[-1], 0.1 * np.sin(2 * np.pi * pitch * time) * (1 + np.sin(4 * time)), RATE)
    return Recording(name, path, tuple(voices) if clean else ())


def settings(method: str = ABX, **more: object) -> StudySettings:
    usual: dict[str, object] = {
        "seconds": 1.0,
        "items": 6,
        "seed": 3,
        "backend": "torch",
        "precision": "fp32",
        "chunk_ms": 500.0,
    }
    return StudySettings(method, (0, 1, 2), **{**usual, **more})  # type: ignore[arg-type]  # forwarded


@pytest.fixture(scope="module")
def made(tcn_ladder: Ladder, tmp_path_factory: pytest.TempPathFactory) -> Created:
    """An ABX study; level 1 of the ladder gives its sources in the other order."""
    return created(tcn_ladder, tmp_path_factory.mktemp("made"))


def created(ladder: Ladder, folder: Path, method: str = ABX, clean: bool = False, **more: object) -> Created:
    return create_study(ladder, [recording(folder, clean=clean)], settings(method, **more), folder / "study.zip")


def signals(study: Study, item: str) -> dict[str, np.ndarray]:
    return {one.name: study.samples(study.files[item, one.name]) for one in study.design.conditions}


def test_stimuli_of_an_item_are_equally_long_and_equally_loud(made: Created) -> None:
    worst = 0.0
    for item in made.study.design.items:
        sounds = signals(made.study, item.name)
        assert {len(sound) for sound in sounds.values()} == {item.samples}
        assert max(np.abs(sound).max() for sound in sounds.values()) <= PEAK + 1 / 32768
        levels = [loudness(sound, RATE) for sound in sounds.values()]
        worst = max(worst, max(levels) - min(levels))
    assert worst == pytest.approx(made.largest_loudness_difference) and worst <= 0.1


def test_levels_have_equal_delay_and_voice_order(made: Created) -> None:
    study = made.study
    for item in study.design.items:
        sounds = signals(study, item.name)
        for one, other in itertools.combinations(("level-0", "level-1", "level-2"), 2):
            lags = np.correlate(sounds[one], sounds[other], "full")
            assert np.argmax(np.abs(lags)) == item.samples - 1
            assert np.corrcoef(sounds[one], sounds[other])[0, 1] > 0.9


def test_equal_seeds_give_equal_studies_byte_by_byte(tcn_ladder: Ladder, tmp_path: Path) -> None:
    contents = [created(tcn_ladder, tmp_path, seed=seed, items=2).study.path.read_bytes() for seed in (3, 3, 4)]
    assert contents[0] == contents[1] != contents[2]


def test_mushra_compares_with_the_clean_voice_where_there_is_one(tcn_ladder: Ladder, tmp_path: Path) -> None:
    with_clean = created(tcn_ladder, tmp_path, MUSHRA, clean=True).study.design
    assert [one.name for one in with_clean.conditions] == [
        "level-0", "level-1", "level-2", REFERENCE, LOW_PASS, MIXTURE,
    ]  # fmt: skip
    without = created(tcn_ladder, tmp_path, MUSHRA).study.design
    assert [one.name for one in without.conditions] == [REFERENCE, "level-1", "level-2", LOW_PASS, MIXTURE]
    assert without.condition(REFERENCE).level == 0 and without.baseline == REFERENCE


def test_items_come_from_as_many_recordings_as_there_are(tcn_ladder: Ladder, tmp_path: Path) -> None:
    recordings = [recording(tmp_path, name=f"talk{number}") for number in range(3)]
    study = create_study(tcn_ladder, recordings, settings(), tmp_path / "study.zip").study
    assert {item.name.split("-")[0] for item in study.design.items} == {"talk0", "talk1", "talk2"}


def test_silent_recordings_are_one_sentence(tcn_ladder: Ladder, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "quiet.wav", np.zeros(2 * RATE), RATE)
    with pytest.raises(UserError, match="louder recordings of speech"):
        create_study(tcn_ladder, [Recording("quiet", tmp_path / "quiet.wav")], settings(), tmp_path / "study.zip")


@pytest.mark.parametrize(
    "wrong",
    [{"seconds": 0.3}, {"seconds": 60.0}, {"items": 0}, {"trials": 0}, {"seed": -1}, {"items": 3, "method": MUSHRA},
     {"method": "opinion"}, {"method": MUSHRA, "open_ended": True}, {"levels": (1,)}, {"method": "threshold"},
     {"method": MUSHRA, "trials": 3}],
)  # fmt: skip
def test_settings_that_are_not_possible_are_one_sentence(
    tcn_ladder: Ladder, tmp_path: Path, wrong: dict[str, object]
) -> None:
    more = {"method": ABX, "levels": (0, 1, 2), "backend": "torch", **wrong}
    with pytest.raises(UserError):
        create_study(tcn_ladder, [recording(tmp_path)], StudySettings(**more), tmp_path / "study.zip")  # type: ignore[arg-type]  # forwarded
    assert not (tmp_path / "study.zip").exists()


def test_too_few_items_are_refused_before_anything_is_separated(tcn_ladder: Ladder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--method mushra needs at least 5 items: give --items 5"):
        created(tcn_ladder, tmp_path, MUSHRA, items=2)


def test_two_recordings_of_one_name_are_refused(tcn_ladder: Ladder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="rename one"):
        create_study(tcn_ladder, [recording(tmp_path)] * 2, settings(), tmp_path / "study.zip")


def test_passages_are_whole_and_short_recordings_give_one(tmp_path: Path) -> None:
    cut = passages(recording(tmp_path, 3.5), RATE, 1.0)
    assert [(one.start, one.stop) for one in cut] == [(0, RATE), (RATE, 2 * RATE), (2 * RATE, 3 * RATE)]
    assert [(one.start, one.stop) for one in passages(recording(tmp_path, 1.5), RATE, 8.0)] == [(0, 24_000)]


def test_voices_are_put_in_the_order_of_the_others() -> None:
    voices = np.random.default_rng(0).standard_normal((2, 1000)).astype(np.float32)
    np.testing.assert_array_equal(in_order(-0.3 * voices[::-1], voices), -0.3 * voices)


def test_the_low_pass_anchor_meets_the_standard() -> None:
    impulse = np.zeros(4097, np.float32)
    impulse[2048] = 1
    response = 20 * np.log10(np.abs(np.fft.rfft(low_pass(impulse, RATE))) + 1e-12)
    hertz = np.fft.rfftfreq(4097, 1 / RATE)
    assert np.abs(response[hertz <= 3500]).max() <= 0.1
    assert response[hertz >= 4000].max() <= -25 and response[hertz >= 4500].max() <= -50
    assert np.argmax(np.abs(low_pass(impulse, RATE))) == 2048


def test_gains_lower_all_signals_where_one_would_clip() -> None:
    time = np.arange(RATE) / RATE
    steady = (0.1 * np.sin(2 * np.pi * 500 * time)).astype(np.float32)
    peaky = steady.copy()
    peaky[::4000] = 0.9
    gains = matching_gains({"steady": steady, "peaky": peaky}, RATE)
    assert gains is not None
    assert np.abs(gains["peaky"] * peaky).max() <= PEAK + 1e-6
    heard = [loudness((gains[name] * sound).astype(np.float32), RATE) for name, sound in
             (("steady", steady), ("peaky", peaky))]  # fmt: skip
    assert heard[0] == pytest.approx(heard[1], abs=0.01)
    assert matching_gains({"steady": steady, "silent": 0 * steady}, RATE) is None


def test_a_soft_sound_whose_pauses_a_gain_makes_audible_is_matched_too() -> None:
    noise = np.random.default_rng(3).standard_normal(8 * RATE)
    envelope = np.where(np.arange(len(noise)) < RATE, 1.0, 10 ** (-16 / 20))
    soft = (0.0012 * envelope * noise).astype(np.float32)  # below the absolute gate after its first second
    steady = (0.05 * noise).astype(np.float32)
    gains = matching_gains({"soft": soft, "steady": steady}, RATE)
    assert gains is not None
    heard = [loudness(np.float32(gains[name]) * sound, RATE) for name, sound in (("soft", soft), ("steady", steady))]
    assert heard[0] == pytest.approx(heard[1], abs=0.01)


def test_fades_are_five_milliseconds_at_both_ends() -> None:
    shape = faded(np.ones(RATE, np.float32), RATE)
    assert shape[0] < 0.001 and shape[-1] < 0.001
    assert (shape[80:-80] == 1).all() and (shape[:80] < 1).all()
