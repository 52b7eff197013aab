"""Watches whether the sound server moves the streams of a process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator

from .sound_server import LOCALE, PROGRAM, SETTLE_S, Moves, can_be_asked, is_change, places

#: seconds that the server may take to answer
ANSWER_S = 5.0

#: seconds until a server that has ended, or has not answered, is asked again
RETRY_S = 5.0

#: seconds between two questions until changes are known to be printed
AGAIN_S = 1.0

#: ``pactl subscribe`` for a shell. It ends when its standard input is closed, as it is by the end of this program,
#: whatever has ended that; ``pactl`` alone would run on.
_UNTIL_CLOSED = f'{PROGRAM} subscribe & exec >&-; read -r _; kill "$!"'

#: seconds that closing may wait for a thread of the watch
CLOSE_S = 0.5


class ServerWatch:
    """Runs ``pactl subscribe`` beside the program, and asks where the streams are when one has changed.

    Where no sound server can be asked, nothing is watched.

    Args:
        process: number of the process whose output and input are watched. Where they are now is where they belong.
        told: called in a thread of the watch each time that the answer has changed, with a sentence for each of them
            that is now on another device than at first.

    Attributes:
        moves: where output and input were first.
    """

    def __init__(self, process: int, told: Callable[[list[str]], None]) -> None:
        self.moves = Moves()
        self._process, self._told = process, told
        self._said: list[str] = []
        self._chosen: set[str] = set()
        self._programs: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()
        self._changed, self._closed = threading.Event(), threading.Event()
        self._subscribed = False
        self._threads: list[threading.Thread] = []
        if can_be_asked():
            for run in (self._listen, self._compare):
                self._threads.append(threading.Thread(target=run, name="sound server", daemon=True))
                self._threads[-1].start()

    @property
    def programs(self) -> list[int]:
        """Numbers of the processes that run for the watch now."""
        with self._lock:
            return [program.pid for program in self._programs]

    def choose(self, direction: str) -> None:
        """The program has chosen another device for a direction: where that is now is where it belongs."""
        with self._lock:
            self._chosen.add(direction)
        self._changed.set()

    def close(self) -> None:
        """End the watch and its programs; nothing is told afterwards."""
        self._closed.set()
        self._changed.set()
        with self._lock:
            for program in self._programs:
                _kill(program)
        for thread in self._threads:
            thread.join(CLOSE_S)

    def _listen(self) -> None:
        while not self._closed.is_set():
            if can_be_asked():
                with contextlib.suppress(OSError):  # removed since it was found
                    self._follow_changes()
            self._closed.wait(RETRY_S)

    def _follow_changes(self) -> None:
        """Read what the program prints until it ends, as it does with the server."""
        self._subscribed = False
        with self._running("sh", "-c", _UNTIL_CLOSED) as program:
            self._changed.set()
            assert program.stdout is not None
            for line in program.stdout:
                if not self._subscribed or is_change(line):
                    self._subscribed = True
                    self._changed.set()

    def _compare(self) -> None:
        self._ask()  # at once: a move before this answer is not seen
        while self._changed.wait() and not self._closed.wait(SETTLE_S):
            self._changed.clear()
            answered = can_be_asked() and self._ask()
            # A change is not printed before the server knows of the subscription. Each question comes from a new
            # client, which is a change as well: once anything was printed, no change is missed.
            if not answered or not self._subscribed:
                self._closed.wait(AGAIN_S if answered else RETRY_S)
                self._changed.set()

    def _ask(self) -> bool:
        """Ask where the streams are; false where the server does not answer."""
        with self._lock:
            while self._chosen:
                self.moves.first.pop(self._chosen.pop(), None)
        try:
            with self._running(PROGRAM, "list") as program:
                listing, _ = program.communicate(timeout=ANSWER_S)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if program.returncode or self._closed.is_set():
            return False
        said, self._said = self._said, self.moves.sentences(places(listing, self._process))
        if self._said != said:
            self._told(self._said)
        return True

    @contextlib.contextmanager
    def _running(self, *command: str) -> Iterator[subprocess.Popen[str]]:
        """A program that ends with this block, or with the watch; so does what it has started."""
        program = subprocess.Popen(
            command,
            env=os.environ | LOCALE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C in a terminal is for the program that started it
        )
        with program:
            with self._lock:
                self._programs.append(program)
                if self._closed.is_set():
                    _kill(program)
            try:
                yield program
            finally:
                with self._lock:
                    self._programs.remove(program)
                _kill(program)


def _kill(program: subprocess.Popen[str]) -> None:
    """End a program with what it has started, unless it has been waited for: its number may be another one's then."""
    if program.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
