"""Sees when a processor ran nothing of this machine, as a host does to a virtual machine that it does not let run.

A thread of the highest real-time priority wakes on each processor every two milliseconds. No other program of the
machine can delay it, so where it is late, the host or the kernel was at work. Sound that was late then says nothing
about the program under test. The process that watches must not compute: its threads share one GIL.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

#: seconds between two looks, and by which one must be late to count
EVERY_S, LATE_S = 0.002, 0.003

#: real-time priority, above those of the audio threads
PRIORITY = 50


class Stall(NamedTuple):
    """A time during which a processor did not run.

    Args:
        start, end: ``time.perf_counter`` seconds; on Linux the same in all processes.
        processor: its number.
    """

    start: float
    end: float
    processor: int


class StallWatch:
    """Watches every processor that this process may use, from :meth:`__enter__` to :meth:`__exit__`.

    Attributes:
        stalls: found so far.
        threads: one for each processor.
        possible: whether the system grants real-time priority (Linux, root or a limit). Otherwise nothing is watched.
    """

    def __init__(self) -> None:
        self.stalls: list[Stall] = []
        self._ended = threading.Event()
        self.possible = _granted()
        processors = sorted(os.sched_getaffinity(0)) if self.possible else []
        self.threads = [threading.Thread(target=self._watch, args=(number,), daemon=True) for number in processors]

    def __enter__(self) -> StallWatch:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self.threads:
            thread.join()

    def between(self, start: float, end: float) -> float:
        """Longest stall that touches this time, in seconds; 0 where there was none."""
        touching = [stall for stall in self.stalls if stall.end > start and stall.start < end]
        return max((stall.end - stall.start for stall in touching), default=0.0)

    def summary(self) -> dict[str, float] | None:
        """Number of stalls and the longest in seconds; ``None`` where nothing was watched."""
        lengths = [stall.end - stall.start for stall in self.stalls]
        return {"count": len(lengths), "longest_s": round(max(lengths, default=0.0), 4)} if self.possible else None

    def _watch(self, processor: int) -> None:
        os.sched_setaffinity(0, {processor})
        _raise()
        due = time.perf_counter()
        while not self._ended.is_set():
            due = max(due + EVERY_S, time.perf_counter())
            time.sleep(max(0.0, due - time.perf_counter()))
            now = time.perf_counter()
            if now - due > LATE_S:
                self.stalls.append(Stall(due, now, processor))


@contextmanager
def kept_awake() -> Iterator[None]:
    """Keep every processor busy with a program of the lowest priority, to which every other one is preferred.

    A host lets a virtual processor that sleeps wait when it wakes, on a busy host for many milliseconds.
    """
    command = [sys.executable, "-c", "while True: pass"]
    lowest = partial(os.sched_setscheduler, 0, os.SCHED_IDLE, os.sched_param(0))
    programs = [subprocess.Popen(command, preexec_fn=lowest) for _ in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def _raise() -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))


def _granted() -> bool:
    """Whether a thread can get the priority; tried in one of its own, so that this one keeps its own."""
    granted: list[bool] = []

    def attempt() -> None:
        try:
            _raise()
        except (OSError, AttributeError):
            return
        granted.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return bool(granted)
