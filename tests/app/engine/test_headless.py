"""Sessions without a window that end early or cannot record."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console

from app.cli import main
from app.engine import headless
from app.engine.events import Event, Recording
from app.engine.headless import Session
from app.engine.protocol import Settings
from tests.app.conftest import speech_like

ROOT = Path(__file__).resolve().parents[3]


def test_a_recording_that_finds_no_space_fails_at_once_and_fails_the_session(
    settings: Settings, tmp_path: Path
) -> None:
    said: list[str] = []

    def say(sentence: str) -> None:
        said.append(sentence)
        if sentence.startswith("recording into"):  # the engine's files cannot grow beyond 2 s from now on
            resource.prlimit(session._engine.pid, resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))

    session = Session(settings, 3.0, str(tmp_path / "out"), say)
    outcome = session.run()
    assert outcome.problem is not None and "no space left" in outcome.problem and outcome.user_caused
    assert outcome.problem in said and outcome.report is not None and outcome.problem in outcome.report["notices"]
    [folder] = (tmp_path / "out").iterdir()
    assert len({soundfile.info(path).frames for path in folder.glob("*.wav")}) == 1


@pytest.mark.parametrize(("gain", "word"), [(0.01, "very quiet"), (4.0, "reached full scale")])
def test_an_input_that_is_too_quiet_or_clipped_is_said_once(
    settings: Settings, sound: Callable[..., Path], gain: float, word: str
) -> None:
    said: list[str] = []
    input = sound(np.clip(gain * speech_like(6.0), -1, 1))
    outcome = Session(replace(settings, input=str(input)), 6.0, say=said.append).run()
    assert outcome.report is not None and len([sentence for sentence in said if word in sentence]) == 1


@pytest.mark.parametrize("seconds", [0.05, 0.5])
def test_a_recording_has_a_file_from_its_first_sample_to_its_last(
    settings: Settings, sound: Callable[..., Path], tmp_path: Path, seconds: float
) -> None:
    speech = speech_like(seconds)
    once = replace(settings, input=str(sound(speech)), controls=settings.controls.changed(loop=False))
    assert Session(once, None, str(tmp_path / "out"), say=lambda _: None).run().problem is None
    [folder] = (tmp_path / "out").iterdir()
    mixture = soundfile.read(folder / "mixture.wav", dtype="float32")[0]
    delay = int(np.flatnonzero(mixture)[0]) - int(np.flatnonzero(speech)[0])
    np.testing.assert_allclose(mixture[delay : delay + len(speech)], speech, atol=1e-4)


def test_what_ends_a_recording_is_said_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class FullDisk(Session):
        def _take(self, event: Event) -> None:
            super()._take(event)
            if isinstance(event, Recording) and event.path is not None:
                resource.prlimit(self._engine.pid, resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))

    monkeypatch.setattr(headless, "Session", FullDisk)
    command = ["--input", settings.input, "--ladder", str(settings.ladder), "--seconds", "4", "--record", str(tmp_path)]
    assert main(["--headless", "--output", "none", *command]) == 2
    assert capsys.readouterr().err.count("the recording has ended after") == 1


@pytest.mark.parametrize("group", [False, True], ids=["process", "process group"])
def test_sigterm_ends_a_session_with_its_report(settings: Settings, tmp_path: Path, group: bool) -> None:
    looped = replace(settings, controls=settings.controls.changed(loop=True))
    command = ["--input", looped.input, "--output", "none", "--ladder", str(looped.ladder), "--seconds", "100"]
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "--headless", *command, "--report", str(tmp_path / "report.json")],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None and "sound.wav" in process.stderr.readline()  # it runs
    if group:
        os.killpg(process.pid, signal.SIGTERM)
    else:
        process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in said
    assert "levels" in json.loads((tmp_path / "report.json").read_text())


def test_a_sound_too_short_to_be_timed_is_a_sentence_instead_of_an_empty_table(
    settings: Settings, sound: Callable[..., Path]
) -> None:
    short = replace(settings, input=str(sound(speech_like(0.05))), controls=settings.controls.changed(loop=False))
    outcome = Session(short, 5.0, say=lambda _: None).run()
    assert outcome.report is not None and outcome.report["levels"] == []
    printed = Console(file=io.StringIO())
    headless.print_report(outcome.report, printed)
    assert "No chunk was timed: the sound was too short." in printed.file.getvalue()
