"""Sends events from a thread of its own, so that a window that does not read them cannot stop the sound."""

from __future__ import annotations

import contextlib
import queue
import threading
from multiprocessing.connection import Connection as Pipe

from .events import Event


class Outbox:
    """Queue of events that leave the engine's process.

    Args:
        pipe: the writing end of the event pipe.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Queue an event; never waits."""
        self._queue.put(event)

    def close(self) -> None:
        """Send the rest of the queue, for one second at most."""
        self._queue.put(None)
        self._thread.join(1.0)

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # the reading end is closed
            while (event := self._queue.get()) is not None:
                self._pipe.send(event)
