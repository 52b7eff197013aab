"""Sound of many channels keeps its level and its content when it becomes one channel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepprune.downmix import Downmix, judged
from sepprune.media import open_sound

RATE = 16_000
NOISE = np.random.default_rng(0)
VOICE = (0.1 * NOISE.standard_normal(4 * RATE)).astype(np.float32)


def mixed(folder: Path, *channels: np.ndarray) -> tuple[np.ndarray, Downmix]:
    """What becomes of a file with these channels, and how."""
    soundfile.write(folder / "many.wav", np.stack(channels, axis=1), RATE, subtype="FLOAT")
    sound = open_sound(folder / "many.wav")
    try:
        downmix = judged(sound)
        return downmix(sound.read(sound.frames or 0))[0], downmix
    finally:
        sound.close()


def level_db(signal: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(signal, dtype=np.float64)) + 1e-20))


@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_an_inverted_channel_does_not_silence_the_other(tmp_path: Path, noise: float) -> None:
    right = -VOICE + noise * NOISE.standard_normal(len(VOICE))
    mono, downmix = mixed(tmp_path, VOICE, right)
    assert level_db(mono) == pytest.approx(level_db(VOICE), abs=0.1)
    assert "cancel each other" in str(downmix.note("talk.wav"))


def test_an_offset_does_not_hide_that_a_channel_is_inverted(tmp_path: Path) -> None:
    mono, downmix = mixed(tmp_path, VOICE + 0.3, 0.3 - VOICE)
    assert level_db(mono - mono.mean()) == pytest.approx(level_db(VOICE), abs=0.1)
    assert "cancel each other" in str(downmix.note("talk.wav"))


def test_offsets_of_channels_do_not_change_their_level(tmp_path: Path) -> None:
    mono, downmix = mixed(tmp_path, VOICE + 0.2, VOICE - 0.2)
    assert level_db(mono) == pytest.approx(level_db(VOICE), abs=0.1)
    assert downmix == Downmix()


def test_a_voice_in_the_centre_of_a_surround_file_keeps_its_level(tmp_path: Path) -> None:
    quiet = [0.01 * NOISE.standard_normal(len(VOICE)) for _ in range(5)]
    mono, downmix = mixed(tmp_path, quiet[0], quiet[1], VOICE, *quiet[2:])
    assert level_db(mono) == pytest.approx(level_db(VOICE), abs=0.5)
    assert downmix.note("film.wav") is None


def test_a_silent_channel_costs_no_level(tmp_path: Path) -> None:
    mono, _ = mixed(tmp_path, VOICE, np.zeros_like(VOICE))
    assert level_db(mono) == pytest.approx(level_db(VOICE), abs=0.01)


def test_ordinary_stereo_is_the_mean(tmp_path: Path) -> None:
    right = (0.5 * VOICE + 0.05 * NOISE.standard_normal(len(VOICE))).astype(np.float32)
    mono, downmix = mixed(tmp_path, VOICE, right)
    assert downmix == Downmix()
    np.testing.assert_allclose(mono, (VOICE + right) / 2, atol=1e-7)


def test_four_talkers_with_a_microphone_each_are_all_heard(tmp_path: Path) -> None:
    talkers = [np.where(np.arange(len(VOICE)) // RATE == turn, VOICE, 0).astype(np.float32) for turn in range(4)]
    mono, _ = mixed(tmp_path, *talkers)
    levels = [level_db(mono[turn * RATE : (turn + 1) * RATE]) for turn in range(4)]
    assert max(levels) - min(levels) < 1.0 and level_db(mono) == pytest.approx(level_db(talkers[0]), abs=0.5)


def test_silence_stays_silence(tmp_path: Path) -> None:
    mono, downmix = mixed(tmp_path, np.zeros(RATE), np.zeros(RATE))
    assert downmix == Downmix() and not mono.any()


def test_samples_that_are_not_finite_are_counted_and_spoil_no_other_channel() -> None:
    samples = np.array([[np.nan, 1.0], [np.inf, np.inf], [0.5, 0.5]], np.float32)
    mono, bad = Downmix()(samples)
    assert (mono.tolist(), bad) == ([0.5, 0.0, 0.5], 3)
