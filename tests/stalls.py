"""Sees when a processor ran nothing of this machine, as a host does to a virtual machine that it does not let run.

A program of the highest real-time priority wakes on each processor every two milliseconds. No other program of the
machine can delay it, so where it is late, the host or the kernel was at work. Sound that was late then says nothing
about the program under test. They are programs of their own, since threads of a test would wait for its GIL.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

#: seconds between two looks, by which one must be late to be noted, and that a stall must last to count. A host that
#: shares a processor takes it away for a few milliseconds, several times in a row: those are one stall.
EVERY_S, NOTED_S, LATE_S = 0.002, 0.001, 0.003

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
        stalls: what was found, after :meth:`__exit__`.
        programs: that watch, one for each processor.
        possible: whether the system grants real-time priority (Linux, root or a limit). Otherwise nothing is watched.
    """

    def __init__(self) -> None:
        self.stalls: list[Stall] = []
        self.programs: list[subprocess.Popen[bytes]] = []
        self.possible = _granted()
        self._found: list[IO[bytes]] = []

    def __enter__(self) -> StallWatch:
        for processor in sorted(os.sched_getaffinity(0)) if self.possible else []:
            found = tempfile.TemporaryFile()  # a pipe that is full would stop the program
            command = [sys.executable, __file__, str(processor), str(os.getpid())]
            self.programs.append(subprocess.Popen(command, stdout=found, cwd=Path(__file__).parent))
            self._found.append(found)
        return self

    def __exit__(self, *_: object) -> None:
        for program, found in zip(self.programs, self._found, strict=True):
            program.kill()
            program.wait()
            with found:
                found.seek(0)
                lines = found.read().decode().split("\n")[:-1]  # the last one may be cut
            late = [Stall(float(start), float(end), int(number)) for start, end, number in map(str.split, lines)]
            self.stalls += [stall for stall in joined(late) if stall.end - stall.start > LATE_S]

    def between(self, start: float, end: float) -> float:
        """Longest stall that touches this time, in seconds; 0 where there was none."""
        touching = [stall for stall in self.stalls if stall.end > start and stall.start < end]
        return max((stall.end - stall.start for stall in touching), default=0.0)

    def summary(self) -> dict[str, float] | None:
        """Number of stalls and the longest in seconds; ``None`` where nothing was watched."""
        lengths = [stall.end - stall.start for stall in self.stalls]
        return {"count": len(lengths), "longest_s": round(max(lengths, default=0.0), 4)} if self.possible else None


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


def joined(late: Iterable[Stall]) -> list[Stall]:
    """One stall for all looks of one processor that were late in a row; in order of time."""
    stalls: list[Stall] = []
    for look in late:
        if stalls and look.start < stalls[-1].end + 2 * EVERY_S:
            stalls[-1] = stalls[-1]._replace(end=look.end)
        else:
            stalls.append(look)
    return stalls


def watch(processor: int, parent: int) -> None:
    """Print each look at a processor that was late, until the process ``parent``, which started this one, has ended."""
    os.sched_setaffinity(0, {processor})
    _raise()
    due = time.perf_counter()
    while os.getppid() == parent:
        due = max(due + EVERY_S, time.perf_counter())
        time.sleep(max(0.0, due - time.perf_counter()))
        now = time.perf_counter()
        if now - due > NOTED_S:
            print(due, now, processor, flush=True)


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


if __name__ == "__main__":
    watch(int(sys.argv[1]), int(sys.argv[2]))
