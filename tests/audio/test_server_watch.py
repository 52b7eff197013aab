"""The watch of the sound server misses no move, whatever its programs do: a real PulseAudio with a real stream."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.engine.server_watch import ServerWatch
from tests.processes import program, runs, started_by

from .virtual_audio import VirtualAudio

#: seconds that anything here may take
PATIENCE_S = 30.0


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def stream(audio: VirtualAudio) -> tuple[int, str]:
    """The process that records the loudspeaker, and the number of its stream."""
    found: list[str] = []

    def appears() -> bool:
        listed = audio._pactl("list", "source-outputs").split("Source Output #")
        found.extend(block.split("\n")[0] for block in listed if f'"{audio.recorder}"' in block)
        return bool(found)

    wait_until(appears)
    return audio.recorder, found[0]


def slowed(folder: Path, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    """Put lines of shell before the real ``pactl``; ``$1`` is its command."""
    program = folder / "bin" / "pactl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n{lines}\nexec {shutil.which("pactl")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_a_move_before_the_server_prints_changes_is_told(
    audio: VirtualAudio, stream: tuple[int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowed(tmp_path, monkeypatch, 'if [ "$1" = subscribe ]; then sleep 2; fi')
    told: list[list[str]] = []
    watch = ServerWatch(stream[0], told.append)
    wait_until(lambda: watch.moves.first)
    audio._pactl("move-source-output", stream[1], "other.monitor")
    wait_until(lambda: told)
    watch.close()
    assert len(told[0]) == 1 and "has moved the input from" in told[0][0]


def test_a_server_that_does_not_answer_is_asked_again(
    audio: VirtualAudio, stream: tuple[int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = tmp_path / "refused"
    slowed(tmp_path, monkeypatch, f'if [ "$1" = list ] && [ ! -e {refused} ]; then touch {refused}; exit 1; fi')
    watch = ServerWatch(stream[0], lambda moved: None)
    wait_until(lambda: watch.moves.first)
    watch.close()
    assert refused.exists()


def test_a_closed_watch_leaves_no_program_behind_and_tells_nothing(
    audio: VirtualAudio, stream: tuple[int, str]
) -> None:
    told: list[list[str]] = []
    watch = ServerWatch(stream[0], told.append)
    wait_until(lambda: watch.moves.first)
    wait_until(lambda: watch.programs)
    watch.close()
    audio._pactl("move-source-output", stream[1], "other.monitor")
    assert watch.programs == [] and told == []


def test_a_killed_program_leaves_no_program_behind(audio: VirtualAudio) -> None:
    script = (
        "import os, time\n"
        "from app.engine.server_watch import ServerWatch\n"
        "watch = ServerWatch(os.getpid(), print)\n"
        "while not watch._subscribed: time.sleep(0.05)\n"
        "print('subscribed', flush=True)\n"
        "time.sleep(100)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "subscribed\n"
    children = started_by(process.pid)
    assert "pactl subscribe" in map(program, children)
    process.kill()
    process.communicate()
    wait_until(lambda: not any(map(runs, children)))
