"""Threads that work beside a stream: of low priority, and gone before the program is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


def start_beside(work: Callable[[], None], name: str) -> threading.Thread:
    """Start ``work`` in a thread that yields to the audio thread, where the system lets a thread do so.

    The program waits for it at its end: a compiler that is torn down while it compiles takes the process with it.
    Long work should look at :func:`program_ends` now and then.
    """
    def run() -> None:
        if hasattr(os, "setpriority"):
            try:
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
            except OSError:
                pass  # macOS has no priorities of threads here: the thread competes, and still yields at every call
        work()

    thread = threading.Thread(target=run, name=name)
    thread.start()
    return thread


def program_ends() -> bool:
    """Whether the main thread has ended, so that the program waits only for threads like the caller's."""
    return not threading.main_thread().is_alive()
