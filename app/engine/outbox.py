"""Sends events from a thread: a window that does not read must not stop the sound."""

from __future__ import annotations

import contextlib
import queue
import threading
from multiprocessing.connection import Connection as Pipe

from .events import Event


class Outbox:
    """Events on their way out of the engine's process.

    Args:
        pipe: its writing end.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.put = self._queue.put  #: takes an event, never waits
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send what is left, for a second at most."""
        self._queue.put(None)
        self._thread.join(1.0)

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # nobody reads any more
            while (event := self._queue.get()) is not None:
                self._pipe.send(event)
