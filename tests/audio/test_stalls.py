"""Stalls of the machine are found where they touch a time, by threads that no program can delay."""

from __future__ import annotations

import os
import time

import pytest

from tests.stalls import PRIORITY, Stall, StallWatch


def test_a_stall_is_found_where_it_touches_a_time() -> None:
    watch = StallWatch()
    watch.stalls += [Stall(1.0, 1.01, 0), Stall(1.5, 1.54, 1), Stall(3.0, 3.2, 0)]
    assert watch.between(0.9, 1.6) == pytest.approx(0.04)
    assert watch.between(1.005, 1.006) == pytest.approx(0.01)
    assert watch.between(2.0, 2.9) == 0


def test_the_threads_that_watch_have_real_time_priority() -> None:
    with StallWatch() as watch:
        deadline = time.monotonic() + 10
        numbers = [thread.native_id for thread in watch.threads if thread.native_id]
        priorities: list[int] = []
        while set(priorities) != {PRIORITY} and watch.threads and time.monotonic() < deadline:
            time.sleep(0.01)
            priorities = [os.sched_getparam(number).sched_priority for number in numbers]
    assert priorities == [PRIORITY] * len(watch.threads)
