"""Priority of the threads that carry sound."""

import os
import threading
from collections.abc import Callable

import pytest

from app.engine import priority
from app.engine.priority import CALLBACK, raise_priority, raised, with_driver_priority


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


def test_threads_that_a_driver_starts_have_the_priority_of_callbacks() -> None:
    def granted() -> tuple[int, int]:
        return os.sched_getscheduler(0), os.sched_getparam(0).sched_priority

    expected = (os.SCHED_RR, CALLBACK) if in_thread(raise_priority) == "real-time" else granted()
    assert with_driver_priority(lambda: in_thread(granted)) == expected


def test_starting_a_driver_does_not_change_the_priority_of_the_caller() -> None:
    before = os.sched_getscheduler(0)
    with_driver_priority(lambda: None)
    assert os.sched_getscheduler(0) == before


def test_a_driver_is_started_once_also_where_real_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    started: list[str] = []
    with_driver_priority(lambda: started.append(threading.current_thread().name))
    assert started == [threading.current_thread().name]


def test_an_error_of_a_driver_reaches_the_caller() -> None:
    def fail() -> None:
        raise ValueError("no such device")

    with pytest.raises(ValueError, match="no such device"):
        with_driver_priority(fail)
