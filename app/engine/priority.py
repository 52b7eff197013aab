"""Scheduling priority of the threads that carry sound: real time where the system grants it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import TypeVar

#: real-time priorities of the audio thread and of the drivers' callbacks, which must not wait for it. Both are above
#: every normal thread and below the system's own.
AUDIO, CALLBACK = 1, 2

T = TypeVar("T")


def raise_priority(priority: int = AUDIO) -> str:
    """Raise the priority of this thread; threads that it starts keep the normal one.

    Args:
        priority: among real-time threads.

    Returns:
        The priority that the system granted: ``real-time``, ``high`` or ``normal``.
    """
    with contextlib.suppress(OSError, AttributeError):  # not permitted, or not Linux
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
        return "real-time"
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
        return "high"
    return "normal"


def raised(callback: Callable[..., None]) -> Callable[..., None]:
    """A driver's callback that first raises the priority of the driver's thread.

    On Linux PortAudio's threads have the normal priority, so that any program that computes can delay them.
    """
    is_raised = False

    def call(*arguments: object) -> None:
        nonlocal is_raised
        if not is_raised:
            is_raised = True
            raise_priority(CALLBACK)
        callback(*arguments)

    return call


def with_driver_priority(start: Callable[[], T]) -> T:
    """Call ``start``, so that the threads which a driver starts meanwhile have the priority of callbacks.

    A driver has more threads than the one that calls back: PulseAudio's client library hands each block to a thread of
    its own, which has the normal priority otherwise. On Linux a thread inherits its priority. So ``start`` runs in a
    thread with that priority. Where the system does not grant it, or elsewhere, ``start`` is called as usual.

    Returns:
        What ``start`` returns; its exception is raised.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(CALLBACK))
        except (OSError, AttributeError):
            return
        try:
            results.append(start())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="driver start", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0] if results else start()
