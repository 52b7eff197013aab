"""Scheduling: real time where the system grants it, and what was granted is said."""

from __future__ import annotations

import contextlib
import os

#: lowest of the real-time priorities: above every normal thread, below the system's own
_PRIORITY = 1


def raise_priority() -> str:
    """Raise this thread's priority; threads that it starts stay normal.

    Returns:
        ``real-time``, ``high`` or ``normal``: what was obtained.
    """
    with contextlib.suppress(OSError, AttributeError):  # not allowed, or not Linux
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(_PRIORITY))
        return "real-time"
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
        return "high"
    return "normal"
