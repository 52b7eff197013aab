"""The real-time side: what PortAudio calls. Callbacks copy and stamp; they never wait, log or compute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .rings import Ring, Stamps

#: sound that waits in the input ring at most; more is lost, and counted, rather than heard late
INPUT_RING_S = 0.5

#: room of the output ring; how full it is kept is :attr:`OutputPort.target`
OUTPUT_RING_S = 1.0

#: an output that was not called for so long has stopped: what is left in its ring is stale
STOPPED_S = 0.5


class InputPort:
    """Where a microphone's callback puts its sound.

    Args:
        rate: of the device, in hertz.
        channels: of the stream.
        clock: the time in seconds.
    """

    def __init__(self, rate: int, channels: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.rate, self.channels, self._clock = rate, channels, clock
        self.ring = Ring(int(rate * INPUT_RING_S), channels)
        self.stamps = Stamps()
        self.wake = threading.Event()
        self.overflows = 0  #: blocks before which the driver lost sound
        self.overruns = 0  #: blocks that did not fit into the ring
        self.last_call = clock()

    def callback(self, block: np.ndarray, frames: int, time_info: Any, status: Any) -> None:
        """``sounddevice.InputStream``'s callback."""
        now = self._clock()
        if status.input_overflow:
            self.overflows += 1
        if self.ring.write(block) < frames:
            self.overruns += 1
        self.stamps.add(self.ring.written, now)
        self.last_call = now
        self.wake.set()


class OutputPort:
    """Where a loudspeaker's callback gets its sound.

    It starts to play once the ring holds :attr:`target` samples, and after a gap it does so again: that is how a
    larger target becomes a longer cushion.

    Args:
        rate, channels, clock: as for :class:`InputPort`.
        target: samples.
    """

    def __init__(self, rate: int, channels: int, target: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.rate, self.channels, self.target, self._clock = rate, channels, target, clock
        self.ring = Ring(int(rate * OUTPUT_RING_S), channels)
        self.stamps = Stamps()
        self.underflows = 0  #: gaps that the driver reported
        self.underruns = 0  #: gaps since the ring was empty
        self.playing = False
        self.ending = False  #: nothing more comes, so that an empty ring is no gap
        self.low = self.ring.capacity  #: fewest samples left behind since the reader set this anew
        self.last_call = clock()

    @property
    def stopped(self) -> bool:
        """Whether the device has not asked for sound for a while."""
        return self._clock() - self.last_call > STOPPED_S

    def callback(self, block: np.ndarray, frames: int, time_info: Any, status: Any) -> None:
        """``sounddevice.OutputStream``'s callback."""
        now = self._clock()
        if status.output_underflow:
            self.underflows += 1
        if now - self.last_call > STOPPED_S:
            self.ring.clear()
            self.playing = False
        available = self.ring.available
        if not self.playing and available >= max(self.target, frames):
            self.playing = True
        got = self.ring.read_into(block) if self.playing else 0
        block[got:] = 0.0
        if self.playing:
            self.low = min(self.low, available - frames)
            if got < frames:
                self.playing = False
                self.underruns += not self.ending
        self.stamps.add(self.ring.read, now)
        self.last_call = now
