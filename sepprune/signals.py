"""The signals that ask a program to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: Ctrl-C; ``kill`` and service managers; and a terminal that was closed, which Windows does not have
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def asked_to_end(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Call ``handler`` for each of :data:`ENDING` in this block; afterwards the signals do what they did before.

    A closed terminal stays without effect where it had none, as under ``nohup``. Outside the main thread, which alone
    gets signals, nothing is changed.

    Args:
        handler: called in the main thread with the number of the signal and the frame that it has interrupted.
    """
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, handler) for number in _not_refused()} if main else {}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def ignore_requests_to_end() -> None:
    """Ignore :data:`ENDING` in this process from now on: the process that started it decides about its end."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def interrupt(*_: object) -> None:
    """A handler that raises.

    Raises:
        KeyboardInterrupt: always, as Python does at Ctrl-C.
    """
    raise KeyboardInterrupt


def _not_refused() -> list[int]:
    hangup = getattr(signal, "SIGHUP", None)
    return [number for number in ENDING if number != hangup or signal.getsignal(number) != signal.SIG_IGN]
