"""When a lighter level helps, and when the heavier one may be tried again."""

from __future__ import annotations

from collections import deque

from .events import FellBack

#: late chunks that follow each other this closely are one hiccup and count once
HICCUP_S = 0.25

#: so many hiccups within so long are an overload: a level is given up
HICCUPS, WINDOW_S = 3, 2.0

#: without a late chunk for so long, and with a chunk time below this share of the deadline, a level is won back
CALM_S, CALM_LOAD = 10.0, 0.5

#: a level that was won back and given up again is tried later next time, but no later than this
LONGEST_CALM_S = 160.0

#: weight of the newest chunk in the average of the load
_SMOOTHING = 0.02


class Fallback:
    """Watches every chunk and says which level to go to.

    Args:
        level: what was asked for; no heavier one is ever chosen.
        lightest: the highest level there is.
        chunk_s: duration of a chunk, its deadline.

    >>> fallback = Fallback(level=0, lightest=5, chunk_s=0.008)
    >>> [fallback.watch(missed=True, compute_s=0.010, now=second) for second in (0.0, 0.5, 1.0)]  # doctest: +ELLIPSIS
    [None, None, FellBack(level=1, wanted=0, message='level 1 in place of 0, since chunks came too late: ...')]
    """

    def __init__(self, level: int, lightest: int, chunk_s: float) -> None:
        self._lightest, self._chunk_s = lightest, chunk_s
        self.ask(level)

    def ask(self, level: int) -> None:
        """Another level was asked for: start anew from there."""
        self.wanted = self.level = level
        self.calm_s = CALM_S  #: how long it has to be calm before a level is won back
        self._hiccups: deque[float] = deque(maxlen=HICCUPS)
        self._load: float | None = None
        self._calm_since: float | None = None
        self._won_at: float | None = None

    def watch(self, missed: bool, compute_s: float, now: float) -> FellBack | None:
        """Take in a chunk; returns where to go, or ``None`` to stay.

        Args:
            missed: whether it came too late.
            compute_s: its chunk time in seconds.
            now: the time in seconds.
        """
        load = compute_s / self._chunk_s
        self._load = load if self._load is None else self._load + _SMOOTHING * (load - self._load)
        if missed or self._calm_since is None:
            self._calm_since = now
        if missed and (not self._hiccups or now - self._hiccups[-1] >= HICCUP_S):
            self._hiccups.append(now)
            if len(self._hiccups) == HICCUPS and now - self._hiccups[0] <= WINDOW_S and self.level < self._lightest:
                return self._give_up(now)
        elif self.level > self.wanted and now - self._calm_since >= self.calm_s and self._load < CALM_LOAD:
            return self._win_back(now)
        return None

    def _give_up(self, now: float) -> FellBack:
        if self._won_at is not None and now - self._won_at < self.calm_s:
            self.calm_s = min(LONGEST_CALM_S, 2 * self.calm_s)
        self._won_at = None
        return self._go(
            self.level + 1,
            now,
            f"level {self.level + 1} in place of {self.level}, since chunks came too "
            f"late: {self.level} is tried again after {self.calm_s:g} calm seconds",
        )

    def _win_back(self, now: float) -> FellBack:
        self._won_at = now
        return self._go(self.level - 1, now, f"level {self.level - 1} again, after {self.calm_s:g} calm seconds")

    def _go(self, level: int, now: float, message: str) -> FellBack:
        self.level, self._calm_since, self._load = level, now, None
        self._hiccups.clear()
        return FellBack(level, self.wanted, message)
