"""How long finished sound waits for the loudspeaker: as short as the device and the computer allow."""

from __future__ import annotations

import math

#: margin that is wanted at first, in seconds, and the share of a wanted margin below which a gap is near. With 4 ms, a
#: chunk that took 5 ms made a gap, and with 6 ms one that took 8, though the host of the machine had not stopped it.
LEAST_S, NEAR = 0.008, 0.5

#: sound that may wait for the output, in seconds; of long chunks, three. The margin grows up to the share of it; the
#: rest is for what arrives late and then all at once.
LONGEST_S, LONGEST_CHUNKS, CUSHION_SHARE = 0.2, 3, 0.8

#: the margins of this time are judged together
WINDOW_S, WINDOW_CHUNKS = 1.0, 4

#: time without a margin near a gap after which what is spare is removed, and its upper limit: each gap that follows a
#: removal doubles it. Where gaps return, a click a minute is worse than a chunk of delay for five minutes.
CALM_S, CALM_CHUNKS, LONGEST_CALM_S = 10.0, 20, 320.0

#: less than this is not worth removing, in seconds
SMALL_S = 0.001


class Cushion:
    """Decides from the margins of chunks how much sound to insert or to remove.

    The margin of a chunk is how much later it could be written without a gap, whatever the phase of the device. Each
    gap raises the margin that is wanted by a chunk (the idea is DeepFilterNet's). The smallest margin of a second
    decides: near a gap, sound is inserted. In calm, two thirds of what gaps have added are given up, and what is spare
    at the smallest margin is removed. So sound waits no longer than the times of chunks and device vary.

    Args:
        chunk_s: duration of a chunk in seconds.
        now: the time in seconds.

    Attributes:
        wanted_s: smallest margin that is wanted, in seconds.
        longest_s: sound that may wait for the output, in seconds.

    >>> cushion = Cushion(0.008, now=0.0)
    >>> cushion.gap(now=0.5)
    >>> cushion.wanted_s, cushion.chunks
    (0.016, 1)
    """

    def __init__(self, chunk_s: float, now: float) -> None:
        self.wanted_s = LEAST_S
        self.longest_s = max(LONGEST_S, LONGEST_CHUNKS * chunk_s)
        self._chunk_s = chunk_s
        self._most_s = max(LEAST_S, CUSHION_SHARE * self.longest_s - chunk_s)
        self._window_s = max(WINDOW_S, WINDOW_CHUNKS * chunk_s)
        self._calm_s = self._least_calm_s = max(CALM_S, CALM_CHUNKS * chunk_s)
        self._has_removed = False  # since the last gap
        self._window_end, self._calm_since = now + self._window_s, now
        self._low = self._calm_low = math.inf

    @property
    def chunks(self) -> int:
        """Chunks of delay that gaps have added, rounded up."""
        return math.ceil((self.wanted_s - LEAST_S) / self._chunk_s - 1e-6)

    def gap(self, now: float) -> None:
        """The device found no sound."""
        self.wanted_s = min(self._most_s, self.wanted_s + self._chunk_s)
        if self._has_removed:
            self._calm_s = min(max(LONGEST_CALM_S, self._least_calm_s), 2 * self._calm_s)
        self._has_removed = False
        self._restart(now)

    def note(self, margin_s: float) -> None:
        """Take the margin of a chunk."""
        self._low = min(self._low, margin_s)

    def surplus(self, now: float) -> float | None:
        """Sound to remove from now on, in seconds, negative to insert; ``None`` where nothing changes."""
        if now < self._window_end:
            return None
        low = self._low
        self._low, self._window_end = math.inf, now + self._window_s
        if low == math.inf:
            return None  # nothing was played in this window
        self._calm_low = min(self._calm_low, low)
        if low < NEAR * self.wanted_s:
            self._calm_since, self._calm_low = now, math.inf
            return low - self.wanted_s
        if now - self._calm_since < self._calm_s:
            return None
        self.wanted_s = LEAST_S + self._chunk_s * (self.chunks // 3)
        spare = self._calm_low - self.wanted_s
        self._calm_since, self._calm_low = now, math.inf
        if spare < SMALL_S:
            return None
        self._has_removed = True
        return spare

    def _restart(self, now: float) -> None:
        """Start a new window and a new calm period."""
        self._window_end = now + self._window_s
        self._low = self._calm_low = math.inf
        self._calm_since = now
