"""``sepprune-live`` as a program that Ctrl-C, or a crash, ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

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


def test_a_crash_of_a_library_prints_where_it_happened() -> None:
    script = (
        "import app.cli, os, signal\n"
        "app.cli._run = lambda args: os.kill(os.getpid(), signal.SIGSEGV)\n"
        "app.cli.main(['--list-devices'])"
    )
    process = started(program=("-c", script))
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGSEGV and "app/cli.py" in err
