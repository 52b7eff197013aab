"""Stalls of the machine are seen, and busy programs are none."""

from __future__ import annotations

import time

import pytest

from tests.stalls import Stall, StallWatch, kept_awake


def test_a_stall_is_found_where_it_touches_a_time() -> None:
    watch = StallWatch()
    watch.stalls += [Stall(1.0, 1.01, 0), Stall(1.5, 1.54, 1), Stall(3.0, 3.2, 0)]
    assert watch.between(0.9, 1.6) == pytest.approx(0.04)
    assert watch.between(1.005, 1.006) == pytest.approx(0.01)
    assert watch.between(2.0, 2.9) == 0


def test_programs_that_compute_are_no_stall() -> None:
    with kept_awake(), kept_awake(), StallWatch() as watch:
        time.sleep(2.0)
    stalled = sum(stall.end - stall.start for stall in watch.stalls)
    assert stalled < 1.0  # two busy programs on one processor would each wait for half of the time
