"""The fallback: switches to a lighter level while chunks miss their deadline, and back once there is time again."""

from __future__ import annotations

from collections import deque

from .events import FellBack

#: misses within this many seconds of the last counted miss belong to the same hiccup and are not counted
HICCUP_S = 0.25

#: this many hiccups within this many seconds are an overload: the fallback chooses the next lighter level
HICCUPS, WINDOW_S = 3, 2.0

#: after this many seconds without a miss, and with an average load below this share of the deadline, the fallback
#: chooses the next heavier level again
CALM_S, CALM_LOAD = 10.0, 0.5

#: each heavier level that has to be given up again doubles the calm time, up to this many seconds
LONGEST_CALM_S = 160.0

#: weight of the newest chunk in the average of the load
_SMOOTHING = 0.02


class Fallback:
    """Watches every chunk and chooses a level. Another wanted level needs a new object.

    Args:
        wanted: the level of the controls; no heavier one is ever chosen.
        lightest: the highest level of the ladder.
        chunk_s: duration of a chunk in seconds, which is its deadline.

    Attributes:
        chosen: the level that the fallback has chosen, ``wanted`` at first.
        calm_s: seconds without a miss after which the next heavier level is tried.

    >>> fallback = Fallback(wanted=0, lightest=5, chunk_s=0.008)
    >>> [fallback.watch(missed=True, compute_s=0.010, now=second) for second in (0.0, 0.5, 1.0)]  # doctest: +ELLIPSIS
    [None, None, FellBack(level=1, wanted=0, message='level 1 in place of 0 because chunks missed their deadline; ...')]
    """

    def __init__(self, wanted: int, lightest: int, chunk_s: float) -> None:
        self.wanted = self.chosen = wanted
        self.calm_s = CALM_S
        self._lightest, self._chunk_s = lightest, chunk_s
        self._hiccups: deque[float] = deque(maxlen=HICCUPS)
        self._load: float | None = None
        self._calm_since: float | None = None
        self._recovered_at: float | None = None

    def watch(self, missed: bool, compute_s: float, now: float) -> FellBack | None:
        """Take in a chunk.

        Args:
            missed: whether the chunk missed its deadline.
            compute_s: its chunk time in seconds.
            now: the time in seconds.

        Returns:
            The level to switch to, or ``None`` to keep the level.
        """
        load = compute_s / self._chunk_s
        self._load = load if self._load is None else self._load + _SMOOTHING * (load - self._load)
        if missed or self._calm_since is None:
            self._calm_since = now
        if missed and (not self._hiccups or now - self._hiccups[-1] >= HICCUP_S):
            self._hiccups.append(now)
            if len(self._hiccups) == HICCUPS and now - self._hiccups[0] <= WINDOW_S and self.chosen < self._lightest:
                return self._give_up(now)
        elif self.chosen > self.wanted and now - self._calm_since >= self.calm_s and self._load < CALM_LOAD:
            return self._recover(now)
        return None

    def _give_up(self, now: float) -> FellBack:
        if self._recovered_at is not None and now - self._recovered_at < self.calm_s:
            self.calm_s = min(LONGEST_CALM_S, 2 * self.calm_s)
        self._recovered_at = None
        heavier = self.chosen
        return self._choose(
            heavier + 1,
            now,
            f"level {heavier + 1} in place of {heavier} because chunks missed their deadline; level {heavier} is "
            f"tried again after {self.calm_s:g} seconds without a miss",
        )

    def _recover(self, now: float) -> FellBack:
        self._recovered_at = now
        return self._choose(
            self.chosen - 1, now, f"level {self.chosen - 1} again, after {self.calm_s:g} seconds without a miss"
        )

    def _choose(self, level: int, now: float, message: str) -> FellBack:
        self.chosen, self._calm_since, self._load = level, now, None
        self._hiccups.clear()
        return FellBack(level, self.wanted, message)
