"""Scheduling: real time where the system grants it, and always said what was granted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

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


@contextlib.contextmanager
def inherited_priority() -> Iterator[None]:
    """Let threads that start meanwhile have this thread's real-time priority.

    On Linux PortAudio's callbacks run in threads that inherit theirs; elsewhere it raises them by itself.
    """
    try:
        policy = os.sched_getscheduler(0)
        if policy & os.SCHED_RESET_ON_FORK:
            os.sched_setscheduler(0, policy & ~os.SCHED_RESET_ON_FORK, os.sched_param(_PRIORITY))
    except (OSError, AttributeError):  # not allowed, or not Linux
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, os.sched_param(_PRIORITY if policy & os.SCHED_RR else 0))
