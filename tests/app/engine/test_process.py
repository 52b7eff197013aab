"""The engine as a process: it starts, carries out commands, can be killed, and starts again."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.engine.commands import (
    Calibrate,
    MeasureRoundTrip,
    Rescan,
    ResetStatistics,
    RetryWantedLevel,
    SetDevices,
    StartRecording,
    StopRecording,
)
from app.engine.controls import Controls
from app.engine.events import (
    Calibrated,
    DevicesChanged,
    Event,
    Failed,
    FileEnded,
    LevelChanged,
    Notice,
    Ready,
    Recording,
    RecordingFailed,
    RoundTrip,
)
from app.engine.process import EngineProcess
from app.engine.protocol import Settings

from ..conftest import speech_like

#: seconds; long, because other programs may use the machine
PATIENCE_S = 60.0


class Watched(EngineProcess):
    """An engine process with methods that wait for its events."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.seen: list[Event] = []

    def wait_for(self, kind: type) -> Event:
        """The next event of a kind; earlier ones of other kinds are passed over."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            while self.seen:
                if isinstance(event := self.seen.pop(0), kind):
                    return event
                assert not (isinstance(event, Failed) and event.fatal), event.message
            self.seen += self.events() or self._pause()
        raise AssertionError(f"no {kind.__name__}")

    def wait_until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition() and time.monotonic() < end:
            self._pause()
        assert condition()

    def _pause(self) -> list[Event]:
        time.sleep(0.02)
        return []


@pytest.fixture
def settings(ladder: Path, sound: Callable[..., Path]) -> Settings:
    return Settings(str(sound(speech_like(2.0))), "none", str(ladder))


@pytest.fixture
def engine(settings: Settings) -> Iterator[Watched]:
    process = Watched(settings)
    yield process
    process.stop()


def test_it_describes_itself(engine: Watched) -> None:
    engine.start()
    ready = engine.wait_for(Ready)
    assert (ready.sample_rate, ready.chunk, ready.hop, ready.delay) == (16_000, 128, 128, 128)
    assert [facts.level for facts in ready.ladder] == [0, 1, 2] and ready.ladder[0].si_sdri == {}
    assert (ready.input_name, ready.output_name, ready.output_rate) == ("sound.wav", "none", 0)
    assert (ready.input, ready.output) == (engine.settings.input, "none")


def test_it_carries_out_commands_and_ends_on_request(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(Controls(level=2))
    assert engine.wait_for(LevelChanged).level == 2
    engine.stop()
    assert (engine.alive, engine.exit_status, engine.events()) == (False, 0, [])


def test_it_measures_what_is_fastest_beside_the_stream(settings: Settings, engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(Calibrate())
    trials = engine.wait_for(Calibrated).trials
    assert {trial.level for trial in trials if trial.chosen} == {0, 1, 2}


def test_nothing_is_measured_where_the_backend_was_named(settings: Settings) -> None:
    engine = Watched(dataclasses.replace(settings, backend="openvino"))
    engine.start()
    engine.wait_for(Ready)
    engine.send(Calibrate())
    assert "were named" in engine.wait_for(Notice).message
    assert engine.wait_for(Calibrated).trials == ()
    engine.stop()


def test_a_killed_engine_is_reported_once_and_starts_again(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    os.kill(engine.pid, signal.SIGKILL)
    failed = engine.wait_for(Failed)
    assert failed == Failed("the audio engine ended by signal 9: start it again", fatal=True)
    assert not engine.alive and engine.events() == []
    engine.start()
    engine.wait_for(Ready)
    engine.wait_until(lambda: engine.telemetry.counters["chunks"] > 3)


def test_a_killed_engine_leaves_a_recording_that_plays(engine: Watched, tmp_path: Path) -> None:
    engine.start()
    engine.wait_for(Ready)
    engine.send(StartRecording(str(tmp_path / "out")))
    folder = Path(engine.wait_for(Recording).path)
    engine.wait_until(lambda: soundfile.info(folder / "voice2.wav").frames > 4000)
    os.kill(engine.pid, signal.SIGKILL)
    engine.wait_for(Failed)
    lengths = [soundfile.info(folder / f"{name}.wav").frames for name in ("mixture", "voice1", "voice2")]
    assert min(lengths) > 4000


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
    for _ in range(2):
        engine.send(StartRecording(str(tmp_path / "out")))
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


def test_events_that_nobody_reads_do_not_stop_the_sound(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    for _ in range(3000):
        engine.send(MeasureRoundTrip())  # each answered by a sentence
    chunks = engine.telemetry.counters["chunks"]
    engine.wait_until(lambda: engine.telemetry.counters["chunks"] > chunks + 20)


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


def test_a_file_that_is_not_repeated_ends(settings: Settings) -> None:
    engine = Watched(dataclasses.replace(settings, controls=Controls(loop=False)))
    engine.start()
    engine.wait_for(FileEnded)
    assert engine.telemetry.counters["chunks"] == 251
    engine.stop()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"input": "missing.wav"}, "there is no sound file missing.wav"),
        ({"controls": Controls(level=7)}, "no level 7"),
        ({"ladder": "/nowhere"}, "there is no ladder folder"),
        ({"controls": Controls(routing="solo")}, "no routing 'solo'"),
        ({"backend": "abacus"}, "abacus"),
        ({"precision": "bf17"}, "'bf17'"),
        ({"chunk_ms": -1.0}, "chunk of -1.0 ms"),
    ],
)
def test_wrong_settings_are_one_sentence(settings: Settings, change: dict, sentence: str) -> None:
    engine = Watched(dataclasses.replace(settings, **change))
    engine.start()
    failed = engine.wait_for(Failed)
    engine.stop()
    assert failed.fatal and sentence in failed.message and engine.exit_status == 2


def test_the_engine_ends_with_the_process_that_started_it(settings: Settings, tmp_path: Path) -> None:
    script = (
        "import os, sys, time\nfrom app.engine.process import EngineProcess\n"
        "from app.engine.controls import Controls\n"
        "from app.engine.events import Ready\nfrom app.engine.protocol import Settings\n"
        "if __name__ == '__main__':\n"
        f"    engine = EngineProcess({settings!r})\n    engine.start()\n"
        "    while not any(isinstance(event, Ready) for event in engine.events()): time.sleep(0.02)\n"
        "    print(engine.pid, flush=True)\n    os._exit(0)\n"
    )
    (tmp_path / "parent.py").write_text(script)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    said = subprocess.run(
        [sys.executable, tmp_path / "parent.py"], capture_output=True, text=True, env=environment, timeout=PATIENCE_S
    )
    pid, end = int(said.stdout), time.monotonic() + PATIENCE_S
    while _runs(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _runs(pid)


def test_a_running_engine_cannot_be_started_again(engine: Watched) -> None:
    engine.start()
    with pytest.raises(RuntimeError, match="stop it first"):
        engine.start()


def test_an_engine_that_was_not_started_has_no_process_and_no_events(engine: Watched) -> None:
    engine.send(Controls())
    engine.stop()
    assert (engine.alive, engine.pid, engine.exit_status, engine.events()) == (False, None, None, [])


def _contains(signal_: np.ndarray, part: np.ndarray) -> bool:
    """Whether some stretch of the signal is exactly the part."""
    starts = np.flatnonzero(signal_[: len(signal_) - len(part) + 1] == part[0])
    return any(np.array_equal(signal_[start : start + len(part)], part) for start in starts)


def _stands_still(engine: Watched) -> bool:
    chunks = engine.telemetry.counters["chunks"]
    time.sleep(0.1)
    return chunks > 0 and engine.telemetry.counters["chunks"] == chunks


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
