"""Signals that ask a program to end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from sepprune import cli
from sepprune.signals import ENDING, asked_to_end, interrupt


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Each test begins as in a terminal, also where ``nohup`` has started the tests."""
    before = {number: signal.getsignal(number) for number in ENDING}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ENDING)
def test_every_request_to_end_reaches_the_handler_and_only_in_the_block(number: int) -> None:
    asked: list[int] = []
    signal.signal(number, lambda *_: asked.append(-1))
    with asked_to_end(lambda number, _: asked.append(number)):
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    assert asked == [number, -1]


def test_a_closed_terminal_stays_without_effect_where_it_had_none() -> None:
    """As in a program that ``nohup`` has started."""
    asked: list[int] = []
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with asked_to_end(lambda number, _: asked.append(number)):
        os.kill(os.getpid(), signal.SIGHUP)
    assert asked == []


def test_outside_the_main_thread_nothing_is_changed() -> None:
    found: list[object] = []

    def run() -> None:
        with asked_to_end(interrupt):
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize("number", ENDING)
def test_a_command_that_is_asked_to_end_is_interrupted(number: int, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    from sepprune.commands import analyze

    monkeypatch.setattr(analyze, "run", lambda args: os.kill(os.getpid(), number))
    assert cli.main(["analyze", str(tmp_path)]) == 130
