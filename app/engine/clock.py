"""Time for the engine: the computer's, or one that a test or an offline run moves itself."""

from __future__ import annotations

import time


class RealClock:
    """``time.perf_counter``."""

    def now(self) -> float:
        """Seconds."""
        return time.perf_counter()

    def sleep_until(self, moment: float) -> None:
        """Return at ``moment``, at once where it has passed."""
        if (left := moment - time.perf_counter()) > 0:
            time.sleep(left)


class VirtualClock:
    """Stands still until somebody sleeps or :meth:`advance` moves it; an hour passes as fast as it is computed."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """Seconds."""
        return self._now

    def sleep_until(self, moment: float) -> None:
        """Move on to ``moment``."""
        self._now = max(self._now, moment)

    def advance(self, seconds: float) -> None:
        """Let time pass, as a computation would."""
        self._now += seconds
