"""Sinks of sound: none, or a loudspeaker whose clock is not the microphone's."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from .arrays import Samples
from .cushion import Cushion
from .ports import OutputPort
from .protocol import NONE
from .resampling import Resampler

#: more chunks than this above what is wanted are a backlog, which is dropped immediately, and not jitter
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

    @property
    def cushion(self) -> int: ...
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
    """Feeds a port, and adapts the amount of sound that waits in it to device and computer, see :class:`Cushion`.

    Sound is removed and inserted by single samples: a chunk is shortened or stretched. The same corrects the difference
    between the clocks of device and source. Only a backlog is dropped in whole chunks, with a crossfade.

    Args:
        port: of an open output stream.
        name: of the device.
        chunk, sample_rate: of the blocks that are written.
        clock: the time in seconds.
    """

    def __init__(self, port: OutputPort, name: str, chunk: int, sample_rate: int, clock: Callable[[], float]) -> None:
        self.name, self.rate, self.port = name, port.rate, port
        self._overruns = self._drift_samples = 0
        self._chunk, self._sample_rate, self._clock = chunk, sample_rate, clock
        self._resampler = Resampler(sample_rate, port.rate, channels=2)
        self._held: Samples | None = None
        self._surplus = 0.0  # samples to remove one by one (negative: to insert), at sample_rate
        self._backlog = 0.0  # samples to drop in whole chunks, at sample_rate
        self._allowed = 0.0  # samples that may be removed or inserted now
        self._cushion = Cushion(chunk / sample_rate, clock())
        self._unread: deque[tuple[int, float]] = deque()  # chunks whose first sample waits: position, time of writing
        self._read_stamps, self._last_call = 0, (0, clock())  # of the port, that were compared with them
        self._underruns = port.underruns
        self._seen: Counter[str] = Counter()
        port.wait_s = self._cushion.wanted_s

    @property
    def cushion(self) -> int:
        return self._cushion.chunks

    @property
    def resampler_ms(self) -> float:
        return self._resampler.delay_ms

    @property
    def device_ms(self) -> float:
        return self.port.delay_ms

    def write(self, block: Samples) -> int:
        ring = self.port.ring
        if self.port.stopped or not self.port.known:
            return ring.written  # the device asks for no sound: the connection opens it again. Or it has just begun to
        self.port.ending = False
        now = self._clock()
        self._regulate(now)
        adjusted = self._adjust(block)
        if adjusted is not None:
            resampled = self._resampler(adjusted)
            if self.port.channels == 1:
                resampled = resampled.mean(axis=1, keepdims=True)
            self._unread.append((ring.written, now))
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

    def _regulate(self, now: float) -> None:
        """Decide, once a chunk, how many samples to remove or insert."""
        port, cushion = self.port, self._cushion
        self._compare()
        for _ in range(port.underruns - self._underruns):
            cushion.gap(now)
            self._surplus = self._backlog = 0.0
        self._underruns = port.underruns
        waiting = port.ring.available * self._sample_rate / self.rate
        wanted, longest = cushion.wanted_s * self._sample_rate + self._chunk, cushion.longest_s * self._sample_rate
        if waiting + self._chunk > min(wanted + BACKLOG_CHUNKS * self._chunk, longest):
            self._backlog = max(self._backlog, waiting - wanted - port.unsteady_s * self._sample_rate)
        surplus_s = cushion.surplus(now)
        if surplus_s is not None:
            self._surplus = surplus_s * self._sample_rate
        port.wait_s = cushion.wanted_s

    def _compare(self) -> None:
        """Note the margins of the chunks that the device has begun to read since the last call.

        A device takes whole blocks. Its clock differs from that of the chunks, so the first sample of a chunk slides
        through the blocks. When it slides into the block before, the device needs it earlier by the time between the
        two. The margin allows for that.
        """
        self._read_stamps, read = self.port.stamps.since(self._read_stamps)
        before, called = self._last_call
        for position, time in read:
            while self._unread and self._unread[0][0] < position:
                start, written = self._unread.popleft()
                self._cushion.note(called - written + (start - before) / self.rate)
            before, called = position, time
        self._last_call = before, called

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
