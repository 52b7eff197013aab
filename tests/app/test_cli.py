"""``sepprune-live`` as a program: exit status, report, and one sentence for what is wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app import cli
from app.engine.protocol import DeviceInfo
from app.options import parser

from .conftest import speech_like
from .program import ROOT, live, started, wait_for_sound

CONTRACT = {
    "levels",
    "input_overflows",
    "output_underflows",
    "ring_overruns",
    "stalls",
    "switches",
    "latency",
    "backend",
}


@pytest.fixture
def speech(sound: Callable[..., Path]) -> Path:
    return sound(speech_like(1.0))


def test_headless_plays_a_file_to_its_end_and_reports(ladder: Path, speech: Path, tmp_path: Path) -> None:
    done = live(
        "--headless",
        "--input",
        speech,
        "--output",
        "none",
        "--ladder",
        ladder,
        "--record",
        tmp_path / "out",
        "--report",
        tmp_path / "r.json",
    )
    report = json.loads((tmp_path / "r.json").read_text())
    assert done.returncode == 0, done.stderr
    assert CONTRACT <= set(report) and report["chunks"] == 126 and report["levels"][0]["level"] == 0
    assert "p99" in done.stdout and "Traceback" not in done.stderr
    [folder] = (tmp_path / "out").iterdir()
    assert soundfile.info(folder / "voice1.wav").frames > 0


def test_json_is_the_only_text_on_standard_output(ladder: Path, speech: Path) -> None:
    done = live("--headless", "--input", speech, "--output", "none", "--ladder", ladder, "--json", "-", "--level", "2")
    assert [row["level"] for row in json.loads(done.stdout)["levels"]] == [2]


def test_with_seconds_a_short_file_is_looped(ladder: Path, sound: Callable[..., Path]) -> None:
    done = live(
        "--headless",
        "--input",
        sound(speech_like(0.1)),
        "--output",
        "none",
        "--ladder",
        ladder,
        "--seconds",
        "0.5",
        "--json",
        "-",
    )
    assert json.loads(done.stdout)["chunks"] > 30


def test_loop_and_no_loop_switch_looping_on_and_off(ladder: Path, sound: Callable[..., Path], tmp_path: Path) -> None:
    arguments = [
        "--headless",
        "--input",
        sound(speech_like(0.1)),
        "--output",
        "none",
        "--ladder",
        ladder,
        "--json",
        "-",
    ]
    once = live(*arguments, "--seconds", "30", "--no-loop")
    assert json.loads(once.stdout)["chunks"] == 14
    process = started(*arguments, "--loop", "--record", tmp_path)
    wait_for_sound(process, tmp_path)  # longer than the file
    process.send_signal(signal.SIGINT)
    assert json.loads(process.communicate(timeout=60)[0])["chunks"] > 30


def test_a_recording_can_be_flac(ladder: Path, speech: Path, tmp_path: Path) -> None:
    live(
        "--headless",
        "--input",
        speech,
        "--output",
        "none",
        "--ladder",
        ladder,
        "--record",
        tmp_path / "out",
        "--record-format",
        "flac",
    )
    [folder] = (tmp_path / "out").iterdir()
    facts = soundfile.info(folder / "voice2.flac")
    assert (facts.subtype, facts.samplerate) == ("PCM_24", 16_000) and facts.frames > 8000


def test_the_report_counts_fallbacks(ladder: Path, speech: Path) -> None:
    done = live("--headless", "--input", speech, "--output", "none", "--ladder", ladder, "--fallback", "--json", "-")
    assert {"fallbacks", "recoveries"} <= set(json.loads(done.stdout))


def test_a_recording_that_cannot_be_made_ends_with_a_sentence(ladder: Path, speech: Path) -> None:
    done = live("--headless", "--input", speech, "--output", "none", "--ladder", ladder, "--record", "/proc/recordings")
    assert done.returncode == 2 and "cannot record into /proc/recordings" in done.stderr


def test_without_a_display_it_runs_headless_and_says_so(ladder: Path, speech: Path) -> None:
    done = live("--input", speech, "--output", "none", "--ladder", ladder)
    assert (done.returncode, "there is no display" in done.stderr) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--input", "missing.wav"], "there is no sound file 'missing.wav'"),
        (["--input", "empty.wav"], "has no samples: give a recording that has sound"),
        (["--input", "text.wav"], "is no sound file that can be read"),
        (["--input", "sound.wav", "--level", "9"], "no level 9"),
        (["--input", "sound.wav", "--seconds", "-1"], "--seconds -1 is not possible"),
        (["--input", "sound.wav", "--seconds", "1e300"], "give more than 0 and at most 86400"),
        (["--input", "sound.wav", "--ladder", "nowhere"], "there is no ladder folder"),
        (["--input", "sound.wav", "--ladder", "damaged"], "is not valid JSON"),
        (["--input", "folder"], "is a folder"),
        (["--input", "sound.wav", "--report", "nowhere/r.json"], "there is no folder"),
        (["--input", "sound.wav", "--report", "folder"], "it is a folder"),
        (["--input", "sound.wav", "--screenshot", "window.jpg"], "does not end in .png"),
        (["--round-trip"], "a round trip needs a microphone"),
        (["--input", "sound.wav", "--record", "sound.wav"], "is a file"),
        (["--input", "sound.wav", "--level", "x"], "invalid int value: 'x'"),
        (["--input", "sound.wav", "--record-format", "mp3"], "invalid choice: 'mp3'"),
        (["--input", "sound.wav", "--round-trip"], "a round trip needs a microphone"),
        (["--input", "a microphone", "--round-trip", "--output", "none"], "a round trip needs a loudspeaker"),
        (["--input", "demo", "--round-trip", "--seconds", "1"], "leave out --seconds"),
        (["--input", "sound.wav", "--output", "no such loudspeaker"], "no such loudspeaker"),
    ],
)
def test_a_mistake_of_the_user_is_one_sentence_and_status_two(
    ladder: Path, speech: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    soundfile.write(tmp_path / "empty.wav", [], 16_000)
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "damaged" / "ladder.json").write_text('{"format": ')
    found = [str(tmp_path / word) if (tmp_path / word).exists() else word for word in arguments]
    extra = [] if "--ladder" in arguments else ["--ladder", str(ladder)]
    done = live("--headless", *found, *([] if "--output" in arguments else ["--output", "none"]), *extra)
    lines = done.stderr.strip().splitlines()
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert lines[0].startswith("sepprune-live: ") and sentence in lines[0]


@pytest.mark.parametrize(
    ("samples", "rate", "chunks"),
    [
        (np.full(1, 0.5), 16_000, 2),
        (np.tile(speech_like(0.5)[:, None], 8), 16_000, 64),
        (speech_like(0.5, rate=44_100), 44_100, 64),
        (np.where(np.arange(8000) % 100 < 9, np.nan, 0.1), 16_000, 64),
    ],
    ids=["one sample", "eight channels", "44.1 kHz", "not a number"],
)
def test_unusual_files_are_played_to_their_end(
    ladder: Path, sound: Callable[..., Path], samples: np.ndarray, rate: int, chunks: int
) -> None:
    done = live("--headless", "--input", sound(samples, rate), "--output", "none", "--ladder", ladder, "--json", "-")
    report, bad = json.loads(done.stdout), int(np.isnan(samples).sum())
    assert (done.returncode, report["chunks"], report["bad_samples"]) == (0, chunks, bad)


def test_without_portaudio_a_file_still_plays_to_nowhere(ladder: Path, speech: Path, tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    done = live("--headless", "--input", speech, "--output", "none", "--ladder", ladder, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0 and "PortAudio is not installed" in done.stderr


def test_devices_are_listed_as_json() -> None:
    done = live("--list-devices", "--json", "-")
    assert done.returncode == 0 and isinstance(json.loads(done.stdout)["devices"], list)


def test_only_a_session_without_remembered_devices_says_what_it_does_without_an_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    microphone = DeviceInfo("mic, ALSA", "mic", "ALSA", "input", 1, 48_000, False)
    monkeypatch.setattr(cli, "_default_device", lambda direction: microphone)
    said = []
    for options, headless in (([], True), (["--seconds", "1"], False), ([], False)):
        cli._settings(parser().parse_args(options), headless)
        said.append("is not played back" in capsys.readouterr().err)
    assert said == [True, True, False]


def test_the_engine_and_the_command_import_no_qt_and_no_torch() -> None:
    script = (
        "import app.cli, app.engine.process, app.engine.worker, app.engine.statistics, sys\n"
        "print([name for name in ('torch', 'PyQt6', 'openvino', 'sounddevice') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
