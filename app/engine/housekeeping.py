"""Counters of the telemetry: some are updated once a chunk, others a few times a second."""

from __future__ import annotations

import math
import os
import time

from .sinks import Sink
from .sources import Source
from .telemetry import Telemetry

#: seconds between two updates of the file's position and the cushion, and of what takes longer to find out
SHOWN_S, HOUSEKEEPING_S = 0.05, 0.5


class Housekeeping:
    """Writes counters.

    Args:
        telemetry: where they are written.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._shown_at = self._next_at = -math.inf

    def update(self, source: Source, sink: Sink, now: float) -> None:
        """Add what source and sink have counted since the last call; ``now`` is the time in seconds."""
        for counts in (source.counts(), sink.counts()):
            for name, amount in counts.items():
                self._telemetry.count(name, amount)
        self._telemetry.set("heartbeat", now)
        if now < self._shown_at and not source.ended:
            return
        self._shown_at = now + SHOWN_S
        self._telemetry.set("cushion_chunks", sink.cushion)
        self._telemetry.set("file_position", source.position)
        self._telemetry.set("file_duration", source.duration)
        if now >= self._next_at:
            self._next_at = now + HOUSEKEEPING_S
            self._telemetry.set("engine_cpu_seconds", time.process_time())
            self._telemetry.set("rss_bytes", _resident_bytes())
            self._telemetry.set("device_in_ms", source.device_ms)
            self._telemetry.set("device_out_ms", sink.device_ms)


def _resident_bytes() -> int:
    """Memory of this process in bytes; 0 where the system does not state it."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
