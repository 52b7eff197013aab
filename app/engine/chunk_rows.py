"""Rows of chunks that wait until the time at which they were played is known."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from .sinks import Sink
from .telemetry import Telemetry

#: a chunk's row is published without ``t_out`` after this many seconds
UNPLAYED_S = 1.0


class ChunkRow(NamedTuple):
    """A chunk that was handed to the sink; ``position`` is what :meth:`Sink.write` returned."""

    level: int
    t_in: float
    t_start: float
    t_done: float
    flags: int
    position: int


class ChunkRows:
    """Publishes each row once the sink knows when its chunk was played.

    Args:
        telemetry: where rows are published.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._waiting: deque[ChunkRow] = deque()

    def add(self, row: ChunkRow) -> None:
        """Take the newest chunk's row."""
        self._waiting.append(row)

    def publish(self, sink: Sink, now: float, final: bool = False) -> None:
        """Publish the rows of chunks that have been played, in order; with ``final``, of all of them.

        Args:
            sink: that the chunks were written to.
            now: the time in seconds.
        """
        while self._waiting:
            level, t_in, t_start, t_done, flags, position = self._waiting[0]
            t_out = sink.time_of(position)
            if math.isnan(t_out) and not final and now - t_done < UNPLAYED_S:
                return
            self._waiting.popleft()
            self._telemetry.write_frame(level, t_in, t_start, t_done, t_out, flags)
