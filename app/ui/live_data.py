"""Reads the engine's telemetry: what is new since the last call. No widgets here."""

from __future__ import annotations

import time
from collections import deque

from ..engine.arrays import Frames, Samples
from ..engine.statistics import LatencyStatistics
from ..engine.telemetry import Telemetry, joined

#: seconds over which the engine's share of a processor core is averaged
CPU_WINDOW_S = 2.0


class LiveData:
    """Reads telemetry, where the latest wins, and keeps the statistics of the session.

    Args:
        telemetry: of the engine.

    Attributes:
        statistics: chunk times of the session, over restarts of the engine.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self.statistics = LatencyStatistics()
        self.follow(telemetry)

    def follow(self, telemetry: Telemetry) -> None:
        """Read another engine's telemetry from its beginning; the statistics continue."""
        self._telemetry = telemetry
        self._position = 0
        self._next_frame = 0
        self._unread: list[Frames] = []
        self._cpu: deque[tuple[float, float]] = deque()

    def new_audio(self) -> Samples:
        """Audio (3, n) since the last call: mixture, voice 1, voice 2."""
        self._position, audio = self._telemetry.audio_since(self._position)
        return audio

    def recent_audio(self) -> Samples:
        """All audio that is still stored (3, n); :meth:`new_audio` continues after it."""
        self._position, audio = self._telemetry.audio_since(0)
        return audio

    def new_frames(self) -> Frames:
        """Rows of :data:`~app.engine.telemetry.FRAME` since the last call."""
        frames = self._telemetry.frames_since(self._next_frame)
        if len(frames):
            self._next_frame = int(frames["index"][-1]) + 1
            self._unread.append(frames)
        return frames

    def update_statistics(self) -> None:
        """Add the frames since the last call to the statistics; called a few times a second."""
        if self._unread:
            self.statistics.add(joined(self._unread))
            self._unread.clear()
        now = time.perf_counter()
        self._cpu.append((now, self._telemetry.counters["engine_cpu_seconds"]))
        while len(self._cpu) > 2 and now - self._cpu[0][0] > CPU_WINDOW_S:
            self._cpu.popleft()

    def reset_statistics(self) -> None:
        """Start the statistics again."""
        self._unread.clear()
        self.statistics.reset()

    def chunk_ms(self) -> dict[int, float]:
        """Median chunk time in milliseconds of every level that was timed."""
        return {level: self.statistics.session(level).p50_ms for level in self.statistics.levels}

    def cpu_share(self) -> float:
        """Processor time of the engine as a fraction of one core."""
        if not self._cpu:
            return 0.0
        (first_time, first), (last_time, last) = self._cpu[0], self._cpu[-1]
        return max(0.0, last - first) / (last_time - first_time) if last_time > first_time else 0.0
