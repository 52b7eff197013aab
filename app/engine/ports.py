"""The ends that PortAudio calls. Callbacks copy and stamp; they never wait, log or compute."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from .arrays import Samples
from .rings import Delays, Ring, Stamps

#: most sound that waits in the input ring, in seconds; more is dropped and counted, rather than heard late
INPUT_RING_S = 0.5

#: room of the output ring in seconds: a few of the longest chunks; :attr:`OutputPort.target` is how full it is kept
OUTPUT_RING_S = 4.0

#: an output that was not called for this many seconds has stopped: what is left in its ring is stale
STOPPED_S = 0.5

#: first calls of an output, which fill the driver's buffer in one burst, and calls after them by which it is known
PRIMING_CALLS, KNOWN_CALLS = 4, 4

#: upper limit of how unsteady calls count, in seconds
MOST_UNSTEADY_S = 0.1

#: uncertainty of the audio system's times in seconds
UNCERTAIN_S = 0.0005


class Flags(Protocol):
    """The part of ``sounddevice.CallbackFlags`` that is read here."""

    @property
    def input_overflow(self) -> bool: ...
    @property
    def output_underflow(self) -> bool: ...


class Times(Protocol):
    """The part of PortAudio's ``PaStreamCallbackTimeInfo`` that is read here, in seconds; 0 where it is not known."""

    @property
    def currentTime(self) -> float: ...
    @property
    def inputBufferAdcTime(self) -> float: ...
    @property
    def outputBufferDacTime(self) -> float: ...


class InputPort:
    """Where a microphone's callback writes its sound.

    Args:
        rate: of the device, in hertz.
        channels: of the stream.
        clock: the time in seconds.

    Attributes:
        overflows: blocks before which the driver lost sound.
        overruns: blocks that did not fit into the ring.
        delays: age of each block when it was delivered, as the audio system states it.
    """

    def __init__(self, rate: int, channels: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.rate, self.channels, self._clock = rate, channels, clock
        self.ring = Ring(int(rate * INPUT_RING_S), channels)
        self.stamps = Stamps()
        self.delays = Delays()
        self.wake = threading.Event()
        self.overflows = 0
        self.overruns = 0
        self._block_s = 0.0
        self.last_call = clock()

    @property
    def losses(self) -> int:
        """Blocks before which the driver lost sound."""
        return self.overflows

    @property
    def delay_ms(self) -> float:
        """Median time from when the last sample of a block was recorded until its delivery; nan where it is not known.

        PortAudio states the age of the first sample. Through PulseAudio the block itself is not counted in that: the
        age is then that of the last sample, which shows where it is less than the block lasts.
        """
        known = self.delays.known()
        if not len(known):
            return math.nan
        counted = self._block_s if known.min() > self._block_s - UNCERTAIN_S else 0.0
        return 1000.0 * max(0.0, float(np.median(known)) - counted)

    def callback(self, block: Samples, frames: int, time_info: Times | None, status: Flags) -> None:
        """``sounddevice.InputStream``'s callback."""
        now = self._clock()
        if time_info is not None and time_info.inputBufferAdcTime > 0.0:
            self.delays.add(time_info.currentTime - time_info.inputBufferAdcTime)
            self._block_s = frames / self.rate
        if status.input_overflow:
            self.overflows += 1
        if self.ring.write(block) < frames:
            self.overruns += 1
        self.stamps.add(self.ring.written, now)
        self.last_call = now
        self.wake.set()


class OutputPort:
    """Where a loudspeaker's callback reads its sound.

    It starts to play when sound has waited in the ring for :attr:`wait_s`, and for as long as the device's calls are
    unsteady; again so after a gap.

    Args:
        rate: of the device, in hertz.
        channels: of the stream.
        target: samples that the ring holds at least when playing starts.
        clock: the time in seconds.

    Attributes:
        underflows: gaps that the driver reported.
        underruns: gaps because the ring was empty.
        playing: whether the ring is being read.
        ending: no more sound will be written, so that an empty ring is no gap.
        wait_s: seconds that sound waits in the ring before playing starts.
        delays: time from each call until its block is played, as the audio system states it.
    """

    def __init__(self, rate: int, channels: int, target: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.rate, self.channels, self.target, self._clock = rate, channels, target, clock
        self.ring = Ring(int(rate * OUTPUT_RING_S), channels)
        self.stamps = Stamps()
        self.delays = Delays()
        self.underflows = 0
        self.underruns = 0
        self.playing = False
        self.ending = False
        self.wait_s = 0.0
        self._since: float | None = None  # when a call found sound that is not played yet
        self._asked = self._calls = 0
        self._leads = Delays()
        self.last_call = clock()

    @property
    def losses(self) -> int:
        """Gaps that the driver reported."""
        return self.underflows

    @property
    def known(self) -> bool:
        """Whether the device has called often enough to know how it calls."""
        return self._calls > PRIMING_CALLS + KNOWN_CALLS

    @property
    def unsteady_s(self) -> float:
        """How far the device's last calls are from even steps, in seconds: a driver that calls in bursts, or late.

        :data:`MOST_UNSTEADY_S` at most, so that a single call that was very late delays no sound for long.
        """
        known = self._leads.known()
        return min(MOST_UNSTEADY_S, float(np.ptp(known))) if len(known) else 0.0

    @property
    def stopped(self) -> bool:
        """Whether the device has not asked for sound for :data:`STOPPED_S`."""
        return self._clock() - self.last_call > STOPPED_S

    @property
    def delay_ms(self) -> float:
        """Median time from a call until the first sample of its block is played; nan where it is not known."""
        known = self.delays.known()
        return 1000.0 * max(0.0, float(np.median(known))) if len(known) else math.nan

    def callback(self, block: Samples, frames: int, time_info: Times | None, status: Flags) -> None:
        """``sounddevice.OutputStream``'s callback."""
        now = self._clock()
        if time_info is not None and time_info.outputBufferDacTime > 0.0:
            self.delays.add(time_info.outputBufferDacTime - time_info.currentTime)
        if status.output_underflow:
            self.underflows += 1
        if now - self.last_call > STOPPED_S:
            self.ring.clear()
            self._leads = Delays()
            self.playing, self._calls = False, 0
        self._calls += 1
        if self._calls > PRIMING_CALLS:
            self._asked += frames
            self._leads.add(self._asked / self.rate - now)
        if not self.playing:
            self._start(now, frames)
        got = self.ring.read_into(block) if self.playing else 0
        block[got:] = 0.0
        if self.playing and got < frames:
            self.playing = False
            self.underruns += not self.ending
        self.stamps.add(self.ring.read, now)
        self.last_call = now

    def _start(self, now: float, frames: int) -> None:
        """Play from this call on if sound has waited long enough."""
        available = self.ring.available
        if not available:
            self._since = None
            return
        self._since = now if self._since is None else self._since
        waited = now - self._since >= self.wait_s + self.unsteady_s
        if waited and available >= max(self.target, frames):
            self.playing, self._since = True, None
