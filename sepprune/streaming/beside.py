"""Threads and processes that work beside a stream: of low priority, and gone before the program is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import UserError

#: seconds between two looks whether a process that is waited for should go on, and until one that should not is killed
_LOOK_UP, _GRACE = 0.2, 2.0


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


def run_process(module: str, *arguments: object, stop: Callable[[], bool] = program_ends) -> bool:
    """Run a module of this package as a program of its own, and wait for its end.

    Args:
        module: as ``python -m`` takes it.
        arguments: of the program.
        stop: looked at while waiting; once it is true the program is ended.

    Returns:
        whether it came to its end by itself.

    Raises:
        UserError: it failed; with the last line that it said.
    """
    command = [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as child:
        try:
            while not stop():
                with suppress(subprocess.TimeoutExpired):
                    errors = child.communicate(timeout=_LOOK_UP)[1]
                    if child.returncode:
                        raise UserError((errors.strip().splitlines() or ["no message"])[-1])
                    return True
            return False
        finally:
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(_GRACE)
                except subprocess.TimeoutExpired:
                    child.kill()
