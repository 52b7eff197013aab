"""Files that grow: what can be read after every step, and after a full disk."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.engine.sound_files import SoundFiles

NAMES = ("mixture", "voice1", "voice2")


def block(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (3, samples)).astype(np.float32)


def read(folder: Path) -> np.ndarray:
    return np.stack([soundfile.read(folder / f"{name}.wav", dtype="float32")[0] for name in NAMES])


@pytest.fixture
def small_disk() -> Iterator[int]:
    """Files of this process end at 100 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_files_can_be_read_after_every_write(tmp_path: Path) -> None:
    files = SoundFiles(tmp_path, NAMES, 16_000, "wav")
    parts = []
    for number in range(3):
        parts.append(block(1000 + number, number))
        files.write(parts[-1])
        np.testing.assert_array_equal(read(tmp_path), np.concatenate(parts, axis=1))
    info = soundfile.info(tmp_path / "voice1.wav")
    assert (info.samplerate, info.channels, info.subtype, info.format) == (16_000, 1, "FLOAT", "WAV")


def test_a_file_has_its_name_only_once_it_can_be_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill in between would otherwise leave an empty file."""
    began: list[list[str]] = []

    def lock(descriptor: int) -> None:
        began.append([path.name for path in tmp_path.glob("*.wav")])

    monkeypatch.setattr("sepprune.files.lock", lock)
    SoundFiles(tmp_path, ("mixture",), 16_000, "wav")
    assert began == [[]] and soundfile.info(tmp_path / "mixture.wav").frames == 0


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_a_full_disk_is_an_error_and_leaves_equal_files_with_what_was_written_before(
    tmp_path: Path, small_disk: int, format: str
) -> None:
    files, parts = SoundFiles(tmp_path, NAMES, 16_000, format), []
    with pytest.raises(OSError, match="File too large"):
        for number in range(100):
            parts.append(block(3000, number))
            files.write(parts[-1])
    np.testing.assert_array_equal(read(tmp_path), np.concatenate(parts[:-1], axis=1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.wav" for name in NAMES]


def test_a_disk_that_is_full_for_one_signal_alone_leaves_equal_files(tmp_path: Path) -> None:
    files = SoundFiles(tmp_path, NAMES, 16_000, "wav")
    files.write(block(100))
    (tmp_path / "voice2.wav").rename(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="voice2"):
        files.write(block(100))
    (tmp_path / "elsewhere").rename(tmp_path / "voice2.wav")
    np.testing.assert_array_equal(read(tmp_path), block(100))


def test_a_flac_file_that_cannot_be_completed_never_replaces_the_wav_file(tmp_path: Path) -> None:
    files = SoundFiles(tmp_path, NAMES, 16_000, "flac")
    files.write(block(3000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            files.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    np.testing.assert_array_equal(read(tmp_path), block(3000))
    assert not list(tmp_path.glob("*.flac*"))


def test_files_that_cannot_be_made_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "voice2.wav").mkdir()
    with pytest.raises(OSError, match="voice2"):
        SoundFiles(tmp_path, NAMES, 16_000, "wav")
    assert [path.name for path in tmp_path.iterdir()] == ["voice2.wav"]
