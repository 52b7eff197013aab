"""Clocks of the engine: the computer's, and a virtual one for tests and offline runs."""

from __future__ import annotations

import time


class RealClock:
    """The computer's clock, ``time.perf_counter``."""

    def now(self) -> float:
        """The time in seconds."""
        return time.perf_counter()

    def busy(self) -> float:
        """Processor time of this thread in seconds."""
        return time.thread_time()

    def sleep_until(self, moment: float) -> None:
        """Return at ``moment``; immediately where it has passed."""
        if (left := moment - time.perf_counter()) > 0:
            time.sleep(left)


class VirtualClock:
    """Time passes only through :meth:`sleep_until` and :meth:`advance`, so an hour takes as long as its computation."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """The time in seconds."""
        return self._now

    def busy(self) -> float:
        """Processor time in seconds: the time itself, since nothing else uses the processor."""
        return self._now

    def sleep_until(self, moment: float) -> None:
        """Set the time to ``moment``, unless it has passed."""
        self._now = max(self._now, moment)

    def advance(self, seconds: float) -> None:
        """Let time pass, for instance the time of a computation."""
        self._now += seconds
