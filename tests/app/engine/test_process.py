"""The engine as a process: it starts, ends, can be killed, and starts again."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile

from app.engine.commands import (
    MeasureRoundTrip,
    StartRecording,
)
from app.engine.controls import Controls
from app.engine.events import (
    Failed,
    FileEnded,
    LevelChanged,
    Ready,
    Recording,
)
from app.engine.protocol import Settings
from tests.processes import runs

from .watched import PATIENCE_S, Watched


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


def test_events_that_nobody_reads_do_not_stop_the_sound(engine: Watched) -> None:
    engine.start()
    engine.wait_for(Ready)
    for _ in range(3000):
        engine.send(MeasureRoundTrip())  # each answered by a sentence
    chunks = engine.telemetry.counters["chunks"]
    engine.wait_until(lambda: engine.telemetry.counters["chunks"] > chunks + 20)


def test_a_file_that_is_not_repeated_ends(settings: Settings) -> None:
    engine = Watched(dataclasses.replace(settings, controls=Controls(loop=False)))
    engine.start()
    engine.wait_for(FileEnded)
    assert engine.telemetry.counters["chunks"] == 251
    engine.stop()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"input": "missing.wav"}, "there is no sound file 'missing.wav'"),
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
    while runs(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not runs(pid)


def test_a_running_engine_cannot_be_started_again(engine: Watched) -> None:
    engine.start()
    with pytest.raises(RuntimeError, match="stop it first"):
        engine.start()


def test_an_engine_that_was_not_started_has_no_process_and_no_events(engine: Watched) -> None:
    engine.send(Controls())
    engine.stop()
    assert (engine.alive, engine.pid, engine.exit_status, engine.events()) == (False, None, None, [])
