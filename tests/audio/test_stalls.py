"""Stalls of the machine are found where they touch a time, by programs that no other can delay."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests import stalls
from tests.stalls import PRIORITY, Stall, StallWatch, joined


def test_a_stall_is_found_where_it_touches_a_time() -> None:
    watch = StallWatch()
    watch.stalls += [Stall(1.0, 1.01, 0), Stall(1.5, 1.54, 1), Stall(3.0, 3.2, 0)]
    assert watch.between(0.9, 1.6) == pytest.approx(0.04)
    assert watch.between(1.005, 1.006) == pytest.approx(0.01)
    assert watch.between(2.0, 2.9) == 0


def test_looks_that_are_late_in_a_row_are_one_stall() -> None:
    late = [Stall(1.0, 1.002, 0), Stall(1.004, 1.006, 0), Stall(2.0, 2.002, 0)]
    assert joined(late) == [Stall(1.0, 1.006, 0), Stall(2.0, 2.002, 0)]


def test_the_programs_that_watch_have_real_time_priority() -> None:
    with StallWatch() as watch:
        deadline = time.monotonic() + 30
        priorities: list[int] = []
        while set(priorities) != {PRIORITY} and watch.programs and time.monotonic() < deadline:
            time.sleep(0.01)
            priorities = [os.sched_getparam(program.pid).sched_priority for program in watch.programs]
    assert priorities == [PRIORITY] * len(watch.programs)


def test_what_the_programs_print_is_read_to_the_last_whole_line() -> None:
    watch = StallWatch()
    with watch:
        for number, found in enumerate(watch._found):
            found.write(f"1.25 1.5 {number}\n2.0 2.".encode())
            found.flush()
    assert [stall for stall in watch.stalls if stall.start == 1.25] == [
        Stall(1.25, 1.5, number) for number in range(len(watch.programs))
    ]


def test_a_program_that_watches_ends_with_the_one_that_started_it() -> None:
    starting = "import os, subprocess, sys; subprocess.Popen([*sys.argv[1:], str(os.getpid())], stdout=2)"
    watching = [sys.executable, stalls.__file__, str(min(os.sched_getaffinity(0)))]
    command = [sys.executable, "-c", starting, *watching]
    subprocess.run(command, stderr=subprocess.PIPE, check=True, timeout=60)  # ends when nothing holds the pipe
