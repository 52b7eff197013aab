"""Scheduling priority of the threads that carry sound: real time where the system grants it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

#: real-time priorities of the audio thread and of the drivers' callbacks, which must not wait for it. Both are above
#: every normal thread and below the system's own.
AUDIO, CALLBACK = 1, 2


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
