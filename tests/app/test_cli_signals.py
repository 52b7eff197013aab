"""``sepprune-live`` as a program that Ctrl-C, or a crash, ends."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from tests.processes import program, runs, started_by

from .conftest import speech_like
from .program import started, wait_for_sound


@pytest.fixture
def speech(sound: Callable[..., Path]) -> Path:
    return sound(speech_like(1.0))


def test_control_c_ends_the_session_with_its_table(ladder: Path, speech: Path, tmp_path: Path) -> None:
    options = ["--headless", "--input", speech, "--output", "none", "--ladder", ladder, "--seconds", "100"]
    process = started(*options, "--record", tmp_path / "recordings")
    wait_for_sound(process, tmp_path / "recordings")  # chunks were timed
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, "Chunk time" in out, "Traceback" in err) == (0, True, False)


def test_control_c_while_it_loads_gives_no_traceback_and_leaves_no_engine(ladder: Path, speech: Path) -> None:
    """As in a terminal, which sends Ctrl-C to parent and engine."""
    script = (
        "import app.cli, app.engine.headless as h, sys\n"
        "start = h.EngineProcess.start\n"
        "h.EngineProcess.start = lambda self: (start(self), print(self.pid, flush=True))\n"
        "if __name__ == '__main__': sys.exit(app.cli.main(sys.argv[1:]))"
    )
    options = ["--headless", "--input", speech, "--output", "none", "--ladder", ladder, "--seconds", "100"]
    process = started(*options, program=("-c", script), start_new_session=True)
    engine = int(process.stdout.readline())
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    with pytest.raises(ProcessLookupError):
        os.kill(engine, 0)


def test_a_second_control_c_ends_the_engine_too_while_it_hangs_and_records(
    ladder: Path, speech: Path, tmp_path: Path
) -> None:
    options = ["--headless", "--input", speech, "--output", "none", "--ladder", ladder, "--seconds", "100", "--loop"]
    process = started(*options, "--record", tmp_path / "recordings", "--report", tmp_path / "report.json")
    wait_for_sound(process, tmp_path / "recordings")
    engines = [child for child in started_by(process.pid) if "spawn_main" in program(child)]
    for engine in engines:
        os.kill(engine, signal.SIGSTOP)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err) == (130, False)
    assert engines and not any(map(runs, engines))


@pytest.fixture
def terminal() -> Iterator[None]:
    """Programs are started as in a terminal, also where ``nohup`` has started the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_ends_the_session_with_its_report(
    ladder: Path, speech: Path, tmp_path: Path, terminal: None
) -> None:
    """The system sends SIGHUP to all of the terminal's programs, whose words have nowhere to go from then on."""
    options = ["--headless", "--input", speech, "--output", "none", "--ladder", ladder, "--seconds", "100", "--loop"]
    files = ["--record", tmp_path / "recordings", "--report", tmp_path / "report.json"]
    process = started(*options, *files, start_new_session=True)
    wait_for_sound(process, tmp_path / "recordings")
    os.killpg(process.pid, signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads((tmp_path / "report.json").read_text())["levels"]
    lengths = {soundfile.info(str(path)).frames for path in (tmp_path / "recordings").glob("*/*.wav")}
    assert len(lengths) == 1 and lengths != {0}


def test_a_crash_of_a_library_prints_where_it_happened() -> None:
    script = (
        "import app.cli, os, signal\n"
        "app.cli._run = lambda args: os.kill(os.getpid(), signal.SIGSEGV)\n"
        "app.cli.main(['--list-devices'])"
    )
    process = started(program=("-c", script))
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGSEGV and "app/cli.py" in err
