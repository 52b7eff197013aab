"""Scheduling priority of the audio thread: real time where the system grants it."""

from __future__ import annotations

import contextlib
import os

#: the lowest real-time priority: above every normal thread, below the system's own threads
_PRIORITY = 1


def raise_priority() -> str:
    """Raise the priority of this thread; threads that it starts keep the normal one.

    Returns:
        The priority that the system granted: ``real-time``, ``high`` or ``normal``.
    """
    with contextlib.suppress(OSError, AttributeError):  # not permitted, or not Linux
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(_PRIORITY))
        return "real-time"
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
        return "high"
    return "normal"
