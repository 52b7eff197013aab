"""Sinks of sound: none, or a loudspeaker whose clock is not the microphone's."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import numpy as np

from .arrays import Samples
from .ports import OutputPort
from .protocol import NONE
from .resampling import Resampler

#: sound in the output ring when playing starts: this many chunks, of long chunks only as many as this time needs, two
#: at least, since a chunk is written at once
BASE_CHUNKS, BASE_S, FEWEST_CHUNKS = 4, 0.064, 2

#: sound that may wait for the output, in seconds; of long chunks, three. The cushion grows up to the share of it; the
#: rest is for what arrives late and then all at once.
LONGEST_S, LONGEST_CHUNKS, CUSHION_SHARE = 0.2, 3, 0.8

#: bounds for the fewest chunks that were left in the ring during a window of :data:`WINDOW_S`. Below the first, a gap
#: is near, because that number falls by a whole chunk each time. Above the second for :data:`CALM_S`, a chunk is spare.
TOO_LOW, TOO_HIGH = 1.0, 2.25
WINDOW_S, WINDOW_CHUNKS = 1.0, 4
CALM_S, CALM_CHUNKS = 10.0, 20

#: more chunks than this above the target are a backlog, which is dropped immediately, and not jitter
BACKLOG_CHUNKS = 12

#: share of the samples by which the fill is corrected: 0.1 %, ten times the difference between clocks; and 0.8 % while
#: there is a whole chunk or more to remove
DRIFT_SHARE, SHRINK_SHARE = 1 / 1024, 1 / 128


class Sink(Protocol):
    """What the engine writes to.

    Attributes:
        name, rate: of the device; rate 0 for none.
        cushion: chunks of delay added so far.
        resampler_ms: delay of the resampler in milliseconds.
        device_ms: from when the driver takes a block until it plays the block's first sample, in milliseconds, as the
            audio system states it for the last blocks; 0 for none, nan where it is not known.
    """

    name: str
    rate: int
    cushion: int

    @property
    def resampler_ms(self) -> float: ...
    @property
    def device_ms(self) -> float: ...

    def write(self, block: Samples) -> int:
        """Take ``(samples, 2)``; returns the position to give to :meth:`time_of`."""

    def time_of(self, position: int) -> float:
        """When the position was played; nan while it was not."""

    def finish(self) -> None:
        """No more sound follows for now, so that an empty ring is no gap."""

    def counts(self) -> Counter[str]:
        """Increments of the telemetry's counters since the last call, by name."""


class NullSink:
    """Discards sound, which counts as played when it is written.

    Args:
        clock: the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.name, self.rate, self.cushion = NONE, 0, 0
        self.resampler_ms = self.device_ms = 0.0
        self._clock = clock

    def write(self, block: Samples) -> int:
        return 0

    def time_of(self, position: int) -> float:
        return self._clock()

    def finish(self) -> None:
        pass

    def counts(self) -> Counter[str]:
        return Counter()


class LoudspeakerSink:
    """Feeds a port, and adapts the amount of sound that waits in it to the device.

    After each gap the port waits for one chunk more before it plays (the cushion; the idea is DeepFilterNet's), until
    :data:`LONGEST_S` are reached. After :data:`CALM_S` in which chunks were never needed, half of them are removed. The
    removal, and the difference between the clocks of device and source, are corrected by single samples: a chunk is
    stretched or shortened. Only a backlog is dropped in whole chunks, with a crossfade.

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
        self._held: Samples | None = None
        self._surplus = 0.0  # samples to remove one by one (negative: to insert), at sample_rate
        self._backlog = 0.0  # samples to drop in whole chunks, at sample_rate
        self._allowed = 0.0  # samples that may be removed or inserted now
        chunk_s = chunk / sample_rate
        self._base = min(BASE_CHUNKS, max(FEWEST_CHUNKS, math.ceil(BASE_S / chunk_s)))
        self._longest = max(LONGEST_S / chunk_s, float(LONGEST_CHUNKS))  # in chunks
        self._most = max(0, int(CUSHION_SHARE * self._longest) - self._base)
        self._window_s, self._calm_s = max(WINDOW_S, WINDOW_CHUNKS * chunk_s), max(CALM_S, CALM_CHUNKS * chunk_s)
        self._underruns = port.underruns
        self._seen: Counter[str] = Counter()
        self._retarget()
        self._restart(clock())

    @property
    def resampler_ms(self) -> float:
        return self._resampler.delay_ms

    @property
    def device_ms(self) -> float:
        return self.port.delay_ms

    def write(self, block: Samples) -> int:
        ring = self.port.ring
        if self.port.stopped:
            return ring.written  # the device asks for no sound: the connection opens it again
        self.port.ending = False
        self._regulate(self._clock())
        adjusted = self._adjust(block)
        if adjusted is not None:
            resampled = self._resampler(adjusted)
            if self.port.channels == 1:
                resampled = resampled.mean(axis=1, keepdims=True)
            if ring.write(resampled) < len(resampled):
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
        self.port.target = round((self._base + self.cushion) * self._chunk * self.rate / self._sample_rate)

    def _restart(self, now: float) -> None:
        """Start a new window and a new calm period."""
        self._window_end = now + self._window_s
        self._calm_since, self._calm_low = now, math.inf
        self.port.low = self.port.ring.capacity

    def _regulate(self, now: float) -> None:
        """Decide, once a chunk, how many samples to remove or insert."""
        port, to_chunks = self.port, self._sample_rate / self.rate / self._chunk
        if port.underruns != self._underruns:
            self.cushion = min(self._most, self.cushion + port.underruns - self._underruns)
            self._underruns = port.underruns
            self._retarget()
            self._restart(now)
            self._surplus = self._backlog = 0.0
        waiting, target = port.ring.available * to_chunks, port.target * to_chunks
        if waiting + 1 > min(target + BACKLOG_CHUNKS, self._longest):
            self._backlog = max(self._backlog, (waiting - target) * self._chunk)
        if now < self._window_end:
            return
        self._window_end = now + self._window_s
        left, port.low = port.low, port.ring.capacity
        if left == port.ring.capacity:
            return  # nothing was played in this window
        low = left * to_chunks
        self._calm_low = min(self._calm_low, low)
        if low < TOO_LOW:
            self._surplus = (low - TOO_LOW) * self._chunk
        elif now - self._calm_since >= self._calm_s:
            if self._calm_low > TOO_HIGH and self._surplus < self._chunk:
                spare = max(1, round((self._calm_low - TOO_HIGH) / 2))
                self.cushion = max(0, self.cushion - spare)
                self._retarget()
                self._surplus = float(spare * self._chunk)
            self._restart(now)

    def _adjust(self, block: Samples) -> Samples | None:
        """Shorten or lengthen a block by what is left to correct; ``None``: it is dropped or joined with the next."""
        if self._held is not None:
            self._backlog -= len(block)
            if self._backlog >= self._chunk:
                return None
            block, self._held = crossfade(self._held, block), None
        elif self._backlog >= self._chunk:
            self._held = block
            return None
        self._allowed += len(block) * (SHRINK_SHARE if self._surplus >= self._chunk else DRIFT_SHARE)
        change = int(min(self._allowed, abs(self._surplus)))
        self._allowed = min(self._allowed - change, 1.0)
        if change:
            change = -change if self._surplus > 0 else change
            block = stretch(block, change)
            self._surplus += change
            self._drift_samples += abs(change)
        return block


def crossfade(first: Samples, second: Samples) -> Samples:
    """Fade from one block ``(samples, channels)`` to another of the same length, linearly."""
    weight = ((np.arange(len(first), dtype=np.float32) + 0.5) / len(first))[:, None]
    return ((1.0 - weight) * first + weight * second).astype(np.float32, copy=False)


def stretch(block: Samples, samples: int) -> Samples:
    """Lengthen ``(n, channels)`` by ``samples``, or shorten it, by linear interpolation; its ends keep their values."""
    old = np.arange(len(block))
    new = np.linspace(0, len(block) - 1, len(block) + samples)
    return np.stack([np.interp(new, old, channel) for channel in block.T], axis=1).astype(np.float32)
