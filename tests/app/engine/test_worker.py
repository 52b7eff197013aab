"""The engine's process carries out commands and answers them with events."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.engine import connection
from app.engine.commands import (
    Calibrate,
    Hear,
    MatchLoudness,
    MeasureRoundTrip,
    Rescan,
    ResetStatistics,
    RetryWantedLevel,
    Seek,
    SetDevices,
    StartRecording,
    StopRecording,
)
from app.engine.controls import Controls
from app.engine.events import (
    Calibrated,
    DevicesChanged,
    Failed,
    FileEnded,
    LevelChanged,
    LoudnessMatched,
    Notice,
    Ready,
    Recording,
    RecordingFailed,
    RoundTrip,
)
from app.engine.protocol import Settings
from app.engine.telemetry import Telemetry
from app.engine.worker import Worker
from sepprune.streaming import Ladder, StreamingSeparator, create_backend
from sepprune.streaming.runner import call_samples

from .watched import Watched


def convert_to_onnx(settings: Settings) -> None:
    """Convert every level for the chunks of an engine, as measuring would."""
    ladder = Ladder.load(settings.ladder)
    with contextlib.closing(StreamingSeparator(ladder, chunk_ms=settings.chunk_ms, backend="torch")) as stream:
        chunk = stream.chunk
    for level in ladder.levels:
        create_backend("onnxruntime").compile(level, call_samples(ladder, level, chunk))


def test_it_measures_what_is_fastest_beside_the_stream(settings: Settings, engine: Watched) -> None:
    # measuring runs at low priority: on a busy machine it takes minutes, and converting would take many
    convert_to_onnx(settings)
    engine.start()
    engine.wait_for(Ready)
    engine.send(Calibrate())
    trials = engine.wait_for(Calibrated, patience_s=1200).trials
    assert {trial.level for trial in trials if trial.chosen} == {0, 1, 2}


@pytest.fixture
def collected() -> Iterator[None]:
    """Garbage is collected in this process as before, whatever the test does."""
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("collected")
def test_garbage_is_not_collected_once_devices_are_open(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    collecting: list[bool] = []

    class Opening:
        def __init__(self, *_: object) -> None:
            collecting.append(gc.isenabled())
            raise OSError("no device is needed here")

    monkeypatch.setattr(connection, "Connection", Opening)
    with ThreadPoolExecutor() as pool:  # a worker raises the priority of its thread
        assert isinstance(pool.submit(Worker, settings, Telemetry(), lambda _: None).exception(), OSError)
    assert collecting == [False]


def test_nothing_is_measured_where_the_backend_was_named(settings: Settings) -> None:
    engine = Watched(dataclasses.replace(settings, backend="openvino"))
    engine.start()
    engine.wait_for(Ready)
    engine.send(Calibrate())
    assert "were named" in engine.wait_for(Notice).message
    assert engine.wait_for(Calibrated).trials == ()
    engine.stop()


def test_ending_it_closes_the_recording(engine: Watched, tmp_path: Path) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(StartRecording(str(tmp_path / "out")))
    folder = Path(engine.wait_for(Recording).path)
    engine.wait_until(lambda: engine.telemetry.counters["chunks"] > 100)
    engine.send(StopRecording())
    assert engine.wait_for(Recording).path is None
    recorded, _ = soundfile.read(folder / "mixture.wav", dtype="float32")
    position, audio = engine.telemetry.audio_since(0)
    assert len(recorded) >= 1280 and _contains(audio[0], recorded)


def test_a_muted_engine_keeps_separating(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(Controls(mute=True))
    engine.wait_until(lambda: engine.telemetry.peaks["left"] < 1e-3 < engine.telemetry.peaks["mixture"])


def test_a_signal_that_cannot_be_heard_alone_is_answered_and_changes_nothing(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(Controls(solo="both", mute=True))
    assert "choose from" in engine.wait_for(Failed).message and engine.alive
    engine.wait_until(lambda: engine.telemetry.peaks["left"] > 1e-3)


def test_a_file_that_is_no_longer_looped_ends(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(Controls(loop=False))
    engine.wait_for(FileEnded)


def test_of_several_controls_sent_at_once_the_latest_wins(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    for level in (1, 2, 1, 2):
        engine.send(Controls(level=level, mute=True))
    engine.send(Controls(level=1))
    assert engine.wait_for(LevelChanged).level == 1
    engine.wait_until(lambda: engine.telemetry.peaks["left"] > 1e-3)


def test_the_wanted_level_can_be_retried(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(RetryWantedLevel())
    changed = engine.wait_for(LevelChanged)
    assert (changed.level, changed.wanted) == (0, 0)


def test_a_recording_that_cannot_be_made_is_an_event_of_its_own(engine: Watched, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    engine.start()
    engine.wait_for(Ready)
    engine.send(StartRecording(str(tmp_path / "file")))
    assert "cannot record into" in engine.wait_for(RecordingFailed).message
    assert engine.wait_for(Recording).path is None


def test_a_second_recording_is_refused_while_the_first_one_runs(engine: Watched, tmp_path: Path) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(StartRecording(str(tmp_path / "out")))
    first = engine.wait_for(Recording)
    engine.send(StartRecording(str(tmp_path / "out")))
    assert engine.wait_for(Recording) == first  # so that it can be stopped
    assert "stop it first" in engine.wait_for(Failed).message


def test_a_reset_sets_every_counter_but_the_chunks_to_zero(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(Controls(level=1))
    engine.wait_for(LevelChanged)
    engine.send(ResetStatistics())
    engine.wait_until(lambda: engine.telemetry.counters["switches"] == 0)
    assert engine.telemetry.counters["chunks"] > 0


def test_a_search_for_devices_lists_them_and_keeps_the_file(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(Rescan())
    engine.wait_for(DevicesChanged)
    assert engine.wait_for(Ready).input_name == "sound.wav"


def test_a_round_trip_without_devices_is_answered(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(MeasureRoundTrip())
    found = engine.wait_for(RoundTrip)
    assert found.round_trip_ms is None and "needs a microphone" in found.message


def test_a_pause_stops_the_chunks_but_not_the_heartbeat(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(Controls(paused=True))
    engine.wait_until(lambda: _stands_still(engine))
    beat = engine.telemetry.counters["heartbeat"]
    engine.wait_until(lambda: engine.telemetry.counters["heartbeat"] > beat)


def test_a_device_that_does_not_exist_leaves_the_old_one_running(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(SetDevices("no such microphone", "none"))
    assert not engine.wait_for(Failed).fatal
    assert engine.wait_for(Ready).input_name == "sound.wav"
    chunks = engine.telemetry.counters["chunks"]
    engine.wait_until(lambda: engine.telemetry.counters["chunks"] > chunks)


def _contains(signal_: np.ndarray, part: np.ndarray) -> bool:
    """Whether some stretch of the signal is exactly the part."""
    starts = np.flatnonzero(signal_[: len(signal_) - len(part) + 1] == part[0])
    return any(np.array_equal(signal_[start : start + len(part)], part) for start in starts)


def _stands_still(engine: Watched) -> bool:
    chunks = engine.telemetry.counters["chunks"]
    time.sleep(0.1)
    return chunks > 0 and engine.telemetry.counters["chunks"] == chunks


def test_a_chunk_that_is_no_whole_hops_is_told(settings: Settings) -> None:
    engine = Watched(dataclasses.replace(settings, chunk_ms=settings.chunk_ms + 0.01))
    engine.start()
    message = engine.wait_for(Notice).message
    engine.stop()
    assert "was rounded up to" in message and "whole hops" in message


def test_it_runs_levels_side_by_side_and_makes_them_equally_loud(settings: Settings) -> None:
    engine = Watched(dataclasses.replace(settings, compared=(0, 2, None), controls=Controls(routing="split")))
    try:
        engine.start()
        engine.wait_for(Ready)
        engine.wait_until(lambda: engine.telemetry.counters["chunks"] > 100)
        _, silent = engine.telemetry.audio_since(0)
        assert silent[0].any() and not silent[1:].any()
        engine.send(MatchLoudness())
        gains = engine.wait_for(LoudnessMatched).gains_db
        assert gains is not None and len(gains) == 3 and max(gains) == 0.0
        engine.send(Hear(2))
        engine.wait_until(lambda: engine.telemetry.peaks["left"] > 0.01)
        engine.send(Hear(None))
        assert set(engine.telemetry.frames_since(0)["level"]) == {0.0}
    finally:
        engine.stop()


def test_it_seeks_in_a_file_and_repeats_a_passage(settings: Settings, engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(Controls(passage=(1.0, 1.6)))
    engine.wait_until(lambda: 1.0 <= engine.telemetry.counters["file_position"] <= 1.7)
    engine.send(Controls())
    engine.send(Seek(0.2))
    engine.wait_until(lambda: 0.2 <= engine.telemetry.counters["file_position"] < 0.9)
    assert engine.telemetry.counters["file_duration"] == 2.0
