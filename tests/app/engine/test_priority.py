"""Priority of the threads that carry sound."""

import os
import threading
from collections.abc import Callable

import pytest

from app.engine import priority
from app.engine.priority import CALLBACK, raise_priority, raised


def in_thread(work: Callable[[], object]) -> object:
    """What ``work`` returns in a thread of its own."""
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_a_callback_raises_the_priority_of_its_thread_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(priority, "raise_priority", asked.append)
    heard: list[object] = []
    callback = raised(lambda *arguments: heard.append(arguments))
    callback("block", 128)
    callback("block", 129)
    assert asked == [CALLBACK] and heard == [("block", 128), ("block", 129)]


def test_a_callback_runs_above_the_audio_thread_if_the_system_grants_it() -> None:
    def granted() -> tuple[int, int] | None:
        if raise_priority(CALLBACK) != "real-time":
            return None
        return os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, os.sched_getparam(0).sched_priority

    assert in_thread(granted) in (None, (os.SCHED_RR, CALLBACK))


def test_a_refusal_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    monkeypatch.setattr(os, "setpriority", refuse)
    assert in_thread(raise_priority) == "normal"
