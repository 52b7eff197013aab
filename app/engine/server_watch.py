"""Watches without a window whether the sound server moves the streams of a process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections import deque
from typing import Any

from .sound_server import LOCALE, PROGRAM, SETTLE_S, Moves, can_be_asked, is_change, places

#: seconds that the server may take to answer
ANSWER_S = 5.0

#: seconds until a server that has ended is watched again
RETRY_S = 5.0


class ServerWatch:
    """Runs ``pactl subscribe`` beside the program, and asks where the streams are when one has changed.

    Where no sound server can be asked, nothing is watched.

    Args:
        process: number of the process whose streams are watched. Where they are now is where they belong.
    """

    def __init__(self, process: int) -> None:
        self._process, self._moves = process, Moves()
        self._said: list[str] = []
        self._news: deque[str] = deque()
        self._program: subprocess.Popen[str] | None = None
        self._changed, self._closed = threading.Event(), threading.Event()
        if can_be_asked():
            for run in (self._listen, self._compare):
                threading.Thread(target=run, name="sound server", daemon=True).start()

    def news(self) -> list[str]:
        """Sentences since the last call: where a stream is now that is not where it was first."""
        return [self._news.popleft() for _ in range(len(self._news))]

    def close(self) -> None:
        """End the watch."""
        self._closed.set()
        self._changed.set()
        if self._program is not None:
            self._program.kill()

    def _listen(self) -> None:
        while not self._closed.is_set():
            if can_be_asked():
                with contextlib.suppress(OSError):  # removed since it was found
                    self._follow_changes()
            self._closed.wait(RETRY_S)

    def _follow_changes(self) -> None:
        """Read what the program prints until it ends, as it does with the server."""
        with subprocess.Popen(
            [PROGRAM, "subscribe"],
            **_quiet(),
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C in a terminal is for the program that started it
        ) as self._program:
            if self._closed.is_set():
                self._program.kill()
            assert self._program.stdout is not None
            self._changed.set()
            for line in self._program.stdout:
                if is_change(line):
                    self._changed.set()

    def _compare(self) -> None:
        while self._changed.wait() and not self._closed.wait(SETTLE_S):
            self._changed.clear()
            if can_be_asked():
                self._ask()

    def _ask(self) -> None:
        with contextlib.suppress(OSError, subprocess.SubprocessError):  # the server has gone: nothing can be told
            listed = subprocess.run([PROGRAM, "list"], **_quiet(), timeout=ANSWER_S)
            if listing := listed.stdout.decode(errors="replace"):
                said, self._said = self._said, self._moves.sentences(places(listing, self._process))
                self._news.extend(sentence for sentence in self._said if sentence not in said)


def _quiet() -> dict[str, Any]:
    """How the program is run: in the C locale, with nothing to read, its output read and its errors not shown."""
    return {
        "env": os.environ | LOCALE,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.DEVNULL,
    }
