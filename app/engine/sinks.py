"""Where sound goes: nowhere, or to a loudspeaker whose clock is not the microphone's."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import numpy as np

from .ports import OutputPort
from .resampling import Resampler

#: chunks that are ready at the output when it begins to play
BASE_CHUNKS = 4

#: the cushion grows no further than this, in chunks
MAX_CUSHION = 25

#: the fewest chunks that were left in the ring in a window of :data:`WINDOW_S`: below the first there is soon a gap,
#: since that number falls by a whole chunk at once; above the second for :data:`CALM_S` a chunk is not needed
TOO_LOW, TOO_HIGH = 1.0, 2.25
WINDOW_S = 1.0
CALM_S = 10.0

#: chunks above the target that cannot be jitter: a backlog, to be dropped at once
BACKLOG_CHUNKS = 12

#: the fill is corrected by one sample in so many chunks: 0.1 % at 128 samples, ten times what clocks differ by
CHUNKS_PER_SAMPLE = 8


class Sink(Protocol):
    """What the engine writes to.

    Attributes:
        name, rate: of the device; rate 0 for none.
        cushion: chunks of delay added so far.
    """

    name: str
    rate: int
    cushion: int

    def write(self, block: np.ndarray) -> int:
        """Take ``(samples, 2)``; returns a position for :meth:`time_of`."""

    def time_of(self, position: int) -> float:
        """When the position was played: nan while it was not."""

    def finish(self) -> None:
        """Say that nothing comes for now."""

    def counts(self) -> Counter[str]:
        """What happened since the last call, by the name of its counter in the telemetry."""


class NullSink:
    """Discards sound; it counts as played when written."""

    name, rate, cushion = "none", 0, 0

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def write(self, block: np.ndarray) -> int:
        return 0

    def time_of(self, position: int) -> float:
        return self._clock()

    def finish(self) -> None:
        pass

    def counts(self) -> Counter[str]:
        return Counter()


class LoudspeakerSink:
    """Feeds a port, and keeps as much sound ready as the device turns out to need.

    After each gap the port waits for one chunk more before it plays (the cushion; the idea is DeepFilterNet's), and
    after ten calm seconds in which it was never needed a chunk is taken away. That, and the difference between the
    device's clock and the source's, is made good by single samples, taken out or put in by stretching a chunk; only
    a backlog is dropped by the chunk, with a crossfade.

    Args:
        port: of an open output stream.
        name: of the device.
        chunk, sample_rate: of the blocks that are written.
        clock: the time in seconds.
    """

    def __init__(self, port: OutputPort, name: str, chunk: int, sample_rate: int, clock: Callable[[], float]) -> None:
        self.name, self.rate, self.port = name, port.rate, port
        self.cushion = self._overruns = self._drift_samples = 0
        self._chunk, self._sample_rate, self._clock = chunk, sample_rate, clock
        self._resampler = Resampler(sample_rate, port.rate, channels=2)
        self._held: np.ndarray | None = None
        self._surplus = 0.0  # samples to take out (or, negative, to put in), at sample_rate
        self._chunks = 0
        self._underruns = port.underruns
        self._seen: Counter[str] = Counter()
        self._retarget()
        self._restart(clock())

    def write(self, block: np.ndarray) -> int:
        ring = self.port.ring
        if self.port.stopped:
            return ring.written  # nobody asks for sound: the watchdog deals with that
        self.port.ending = False
        self._regulate(self._clock())
        block = self._adjust(block)
        if block is not None:
            block = self._resampler(block)
            if self.port.channels == 1:
                block = block.mean(axis=1, keepdims=True)
            if ring.write(block) < len(block):
                self._overruns += 1
        return ring.written

    def time_of(self, position: int) -> float:
        return self.port.stamps.time_of(position)

    def finish(self) -> None:
        self.port.ending = True

    def counts(self) -> Counter[str]:
        total = Counter(
            output_underflows=self.port.underflows,
            ring_underruns=self.port.underruns,
            ring_overruns=self._overruns,
            drift_samples=self._drift_samples,
        )
        new, self._seen = total - self._seen, total
        return new

    def _retarget(self) -> None:
        self.port.target = round((BASE_CHUNKS + self.cushion) * self._chunk * self.rate / self._sample_rate)

    def _restart(self, now: float) -> None:
        """Watch for calm from now on."""
        self._window_end = now + WINDOW_S
        self._calm_since, self._calm_low = now, math.inf
        self.port.low = self.port.ring.capacity

    def _regulate(self, now: float) -> None:
        """Once a chunk: decide what to change about the ring's fill."""
        port, to_chunks = self.port, self._sample_rate / self.rate / self._chunk
        if port.underruns != self._underruns:
            self.cushion = min(MAX_CUSHION, self.cushion + port.underruns - self._underruns)
            self._underruns = port.underruns
            self._retarget()
            self._restart(now)
            self._surplus = 0.0
        if (excess := (port.ring.available - port.target) * to_chunks) > BACKLOG_CHUNKS:
            self._surplus = max(self._surplus, excess * self._chunk)
        if now < self._window_end:
            return
        self._window_end = now + WINDOW_S
        low, port.low = port.low, port.ring.capacity
        if low == port.ring.capacity:
            return  # it did not play
        low *= to_chunks
        self._calm_low = min(self._calm_low, low)
        if low < TOO_LOW:
            self._surplus = (low - TOO_LOW) * self._chunk
        elif now - self._calm_since >= CALM_S:
            if self._calm_low > TOO_HIGH:
                self.cushion = max(0, self.cushion - 1)
                self._retarget()
                self._surplus = float(self._chunk)
            self._restart(now)

    def _adjust(self, block: np.ndarray) -> np.ndarray | None:
        """Shorten or lengthen a block by what is left to correct; ``None`` holds it back for the next one."""
        self._chunks += 1
        if self._held is not None:
            block, self._held = crossfade(self._held, block), None
            self._surplus -= len(block)
        elif self._surplus >= 2 * self._chunk:
            self._held = block
            return None
        elif abs(self._surplus) >= 1.0 and self._chunks % CHUNKS_PER_SAMPLE == 0:
            change = -1 if self._surplus > 0 else 1
            block = stretch(block, change)
            self._surplus += change
            self._drift_samples += 1
        return block


def crossfade(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """From one block ``(samples, channels)`` to another of the same length, linearly."""
    weight = ((np.arange(len(first), dtype=np.float32) + 0.5) / len(first))[:, None]
    return (1.0 - weight) * first + weight * second


def stretch(block: np.ndarray, samples: int) -> np.ndarray:
    """Make ``(samples, channels)`` longer or shorter by linear interpolation; its ends stay."""
    old = np.arange(len(block))
    new = np.linspace(0, len(block) - 1, len(block) + samples)
    return np.stack([np.interp(new, old, channel) for channel in block.T], axis=1).astype(np.float32)
