"""Threads and processes that work beside a stream. They end before the program does."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import UserError

#: seconds between two checks whether a child process should end, and seconds after which one that should is killed
_POLL_SECONDS, _GRACE_SECONDS = 0.2, 2.0


def start_beside(work: Callable[[], None], name: str) -> threading.Thread:
    """Start ``work`` in a thread.

    The thread has the usual priority. A lower one would delay the audio thread: while other programs compute, a thread
    of low priority has to wait for a processor, and if it holds the GIL then, the audio thread waits with it, whatever
    its own priority. At changes of the level that made sound up to 40 ms late.

    At its end the program waits for the thread: a compiler that is destroyed while it compiles crashes the process.
    Long work should check :func:`program_ends` now and then.
    """
    thread = threading.Thread(target=work, name=name)
    thread.start()
    return thread


def program_ends() -> bool:
    """Whether the main thread has ended, so that the program waits only for other threads."""
    return not threading.main_thread().is_alive()


def run_process(module: str, *arguments: object, stop: Callable[[], bool] = program_ends) -> bool:
    """Run a module of this package in a child process, and wait for its end.

    Args:
        module: as ``python -m`` takes it.
        arguments: of the program.
        stop: asked while waiting; true ends the child process.

    Returns:
        whether it ended by itself.

    Raises:
        UserError: it failed; the message is the last line of its standard error, that of its own ``UserError`` without
            the name of the class.
    """
    command = [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as child:
        try:
            while not stop():
                with suppress(subprocess.TimeoutExpired):
                    errors = child.communicate(timeout=_POLL_SECONDS)[1]
                    if child.returncode:
                        last = (errors.strip().splitlines() or ["no message"])[-1]
                        raise UserError(last.removeprefix(f"{UserError.__module__}.{UserError.__qualname__}: "))
                    return True
            return False
        finally:
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(_GRACE_SECONDS)
                except subprocess.TimeoutExpired:
                    child.kill()
