"""Recordings can be played whatever happens to the process and the disk."""

from __future__ import annotations

import json
import resource
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.engine import recorder
from app.engine.events import Event, Notice, Recording, RecordingFailed
from app.engine.recorder import Recorder

CHUNK = 128


class Events:
    """Collects the events of the recording's thread."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self._said = threading.Condition()

    def put(self, event: Event) -> None:
        with self._said:
            self.all.append(event)
            self._said.notify_all()

    def wait_for(self, kind: type) -> Event:
        with self._said:
            assert self._said.wait_for(lambda: any(isinstance(event, kind) for event in self.all), 10.0)
        return next(event for event in self.all if isinstance(event, kind))


def signals(chunk: int) -> np.ndarray:
    return np.random.default_rng(chunk).uniform(-1, 1, (3, CHUNK)).astype(np.float32)


def record(recording: Recorder, chunks: range, level: int = 0) -> np.ndarray:
    for chunk in chunks:
        recording.put(signals(chunk), level, chunk * 0.008, chunk * 0.008 + 0.001, 0)
    return np.concatenate([signals(chunk) for chunk in chunks], axis=1)


def read(folder: Path) -> np.ndarray:
    return np.stack(
        [soundfile.read(folder / f"{name}.wav", dtype="float32")[0] for name in ("mixture", "voice1", "voice2")]
    )


def test_three_files_hold_every_sample(tmp_path: Path) -> None:
    events = Events()
    recording = Recorder(tmp_path, 16_000, {}, events.put)
    expected = record(recording, range(300))
    recording.close(10.0)
    np.testing.assert_array_equal(read(Path(events.wait_for(Recording).path)), expected)


def test_files_can_be_played_while_the_recording_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process leaves files in this state."""
    described, describe = threading.Semaphore(0), Recorder._describe
    monkeypatch.setattr(Recorder, "_describe", lambda self, folder: (describe(self, folder), described.release()))
    events = Events()
    recording = Recorder(tmp_path, 16_000, {"settings": {"level": 0}}, events.put)
    assert described.acquire(timeout=10)
    expected = record(recording, range(100))
    assert described.acquire(timeout=10)
    folder = Path(events.wait_for(Recording).path)
    found = read(folder)
    np.testing.assert_array_equal(found, expected[:, : found.shape[1]])
    assert found.shape[1] > 0 and json.loads((folder / "session.json").read_text())["settings"] == {"level": 0}
    recording.close(10.0)


def test_levels_over_time_and_latency_are_written_down(tmp_path: Path) -> None:
    events = Events()
    recording = Recorder(tmp_path, 16_000, {}, events.put)
    record(recording, range(50), level=0)
    record(recording, range(50, 150), level=4)
    recording.close(10.0)
    session = json.loads((Path(events.wait_for(Recording).path) / "session.json").read_text())
    assert session["levels_over_time"] == [{"second": 0.0, "level": 0}, {"second": 0.4, "level": 4}]
    assert [(row["level"], row["chunks"]) for row in session["levels"]] == [(0, 50), (4, 100)]
    assert session["seconds"] == 1.2


def test_flac_holds_every_sample_to_24_bits_and_leaves_nothing_else(tmp_path: Path) -> None:
    events = Events()
    recording = Recorder(tmp_path, 16_000, {}, events.put, format="flac")
    expected = record(recording, range(300))
    recording.close(10.0)
    folder = Path(events.wait_for(Recording).path)
    found = np.stack([soundfile.read(folder / f"{name}.flac")[0] for name in ("mixture", "voice1", "voice2")])
    np.testing.assert_allclose(found, expected, atol=2**-23)
    assert sorted(path.name for path in folder.iterdir()) == [
        "mixture.flac",
        "session.json",
        "voice1.flac",
        "voice2.flac",
    ]


def test_a_flac_recording_that_is_cut_off_leaves_wav_files_that_can_be_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described, describe = threading.Semaphore(0), Recorder._describe
    monkeypatch.setattr(Recorder, "_describe", lambda self, folder: (describe(self, folder), described.release()))
    events = Events()
    recording = Recorder(tmp_path, 16_000, {}, events.put, format="flac")
    assert described.acquire(timeout=10)
    expected = record(recording, range(100))
    assert described.acquire(timeout=10)
    found = read(Path(events.wait_for(Recording).path))
    assert found.shape[1] > 0
    np.testing.assert_array_equal(found, expected[:, : found.shape[1]])
    recording.close(10.0)


def test_a_flac_recording_on_a_full_disk_says_that_its_files_are_wav(tmp_path: Path) -> None:
    events = Events()
    recording = Recorder(tmp_path, 16_000, {}, events.put, format="flac")
    record(recording, range(100))
    mixture = Path(events.wait_for(Recording).path) / "mixture.wav"
    while mixture.stat().st_size < 10_000:  # the first sound is written
        time.sleep(0.01)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
        record(recording, range(100, 400))
        problem = events.wait_for(RecordingFailed).message
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    recording.close(10.0)
    assert "the recording has ended after" in problem and "as WAV files" in problem


def test_flac_says_how_many_samples_it_had_to_clip(tmp_path: Path) -> None:
    events = Events()
    recording = Recorder(tmp_path, 16_000, {}, events.put, format="flac")
    recording.put(np.full((3, CHUNK), -1.5, np.float32), 0, 0.0, 0.001, 0)
    recording.close(10.0)
    folder = Path(events.wait_for(Recording).path)
    assert events.wait_for(Notice).message == (
        f"{3 * CHUNK} samples of the recording in {folder} are clipped: the largest was 3.5 dB beyond full scale; "
        "choose WAV to keep such samples"
    )
    assert np.abs(soundfile.read(folder / "voice1.flac")[0] + 1.0).max() < 1e-6  # not wrapped to +1


def test_what_a_slow_disk_loses_is_silence_of_the_same_length_and_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "QUEUE_CHUNKS", 10)
    blocked, create = threading.Event(), Recorder._create
    monkeypatch.setattr(Recorder, "_create", lambda self, folder: (blocked.wait(10), create(self, folder))[1])
    events = Events()
    recording = Recorder(tmp_path, 16_000, {}, events.put)
    first = record(recording, range(15))
    blocked.set()
    events.wait_for(Recording)
    while recording._queue.full():
        pass
    last = record(recording, range(15, 16))
    recording.close(10.0)
    found = read(Path(events.wait_for(Recording).path))
    silence = np.zeros((3, 5 * CHUNK))
    np.testing.assert_array_equal(found, np.concatenate([first[:, : 10 * CHUNK], silence, last], axis=1))
    assert "0.04 s of the recording" in events.wait_for(Notice).message


def test_a_folder_that_cannot_be_made_is_a_sentence_and_ends_the_recording(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    events = Events()
    recording = Recorder(tmp_path / "file", 16_000, {}, events.put)
    assert "choose another folder" in events.wait_for(RecordingFailed).message
    assert events.wait_for(Recording).path is None and not recording.active


def test_two_recordings_in_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    for _ in range(2):
        Recorder(tmp_path, 16_000, {}, lambda event: None).close(10.0)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_recording_that_could_not_begin_leaves_no_folder(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    events = Events()
    try:
        recording = Recorder(tmp_path, 16_000, {}, events.put)
        record(recording, range(100))
        recording.close(10.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "no space left" in events.wait_for(RecordingFailed).message and not list(tmp_path.iterdir())
