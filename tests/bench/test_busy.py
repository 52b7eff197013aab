"""Busy processes run beside a measurement and end with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sepprune.bench import busy
from sepprune.bench.busy import busy_processes


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that were started."""
    found: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(*args: object, **options: object) -> subprocess.Popen[bytes]:
        found.append(real(*args, **options))  # type: ignore[call-overload]  # passed on as they are
        return found[-1]

    monkeypatch.setattr(busy.subprocess, "Popen", start)
    return found


def test_they_run_during_the_block_and_have_ended_after_it(started: list[subprocess.Popen[bytes]]) -> None:
    with busy_processes(2):
        assert [process.poll() for process in started] == [None, None]
    assert all(process.poll() is not None for process in started) and len(started) == 2


def test_they_end_with_the_block_if_the_measurement_fails(started: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(KeyboardInterrupt), busy_processes(1):
        raise KeyboardInterrupt
    assert started[0].poll() is not None


def test_none_are_started_for_no_load(started: list[subprocess.Popen[bytes]]) -> None:
    with busy_processes(0):
        assert started == []


def test_one_ends_when_the_process_that_started_it_is_gone() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sepprune.bench.busy"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == b"busy\n"
    process.stdin.close()  # as the system does when the other process ends
    assert process.wait(timeout=60) == 0
    process.stdout.close()
