"""One block of chunks: at the rate at which a microphone delivers them (paced), or back to back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..streaming.protocols import Samples

Times = NDArray[np.float32]

#: chunks that are recorded in a block, and chunks before them that bring the level back into the processor's caches
BLOCK, LEAD_IN = 64, 8


class Clock(Protocol):
    """Seconds, and a way to wait for a moment."""

    def now(self) -> float:
        """Seconds since any fixed moment."""

    def wait_until(self, moment: float) -> None:
        """Sleep until a moment; return at once if it has passed."""


class SystemClock:
    """The clock of the machine. It sleeps as the live worker does, so that the processor may clock down meanwhile."""

    def now(self) -> float:
        return time.perf_counter()

    def wait_until(self, moment: float) -> None:
        remaining = moment - time.perf_counter()
        if remaining > 0:
            time.sleep(remaining)


class Stream(Protocol):
    """What is timed; :class:`~sepprune.streaming.StreamingSeparator` is one."""

    def step(self, chunk: Samples, /) -> object:
        """Separate a chunk: its duration is the chunk time."""

    def settle(self) -> None:
        """Work that is due after the sources were delivered."""


@dataclass(frozen=True)
class Block:
    """Times of the chunks of one block, in milliseconds.

    Args:
        start_s: seconds from the start of the run to the block.
        waits: from the moment at which a chunk was complete to the start of its step; zeros back to back.
        times: chunk times.
        upkeep: of ``settle``, after the sources were delivered.

    Shape:
        - waits, times, upkeep: ``(chunks,)`` float32
    """

    start_s: float
    waits: Times
    times: Times
    upkeep: Times


def run_block(
    stream: Stream, sound: Samples, period_s: float, paced: bool, clock: Clock, origin: float, chunks: int = BLOCK
) -> Block:
    """Time one block, after a lead-in that is not recorded.

    A paced chunk that is late delays the next one, as in the live app: its wait counts from when it was complete.

    Args:
        stream: what is timed.
        sound: chunks, repeated as often as needed.
        period_s: chunk duration.
        paced: at live rate; otherwise back to back.
        clock: of all times.
        origin: the clock at the start of the run.
        chunks: that are recorded.

    Shape:
        - sound: ``(any, samples)`` float32
    """
    recorded = np.zeros((3, chunks))
    start = clock.now()
    due = start + period_s
    for index in range(-LEAD_IN, chunks):
        if paced:
            clock.wait_until(due)
        begun = clock.now()
        stream.step(sound[index % len(sound)])
        done = clock.now()
        stream.settle()
        if index >= 0:
            recorded[:, index] = (begun - due if paced else 0.0, done - begun, clock.now() - done)
        due += period_s
    waits, times, upkeep = (1000 * np.maximum(recorded, 0.0)).astype(np.float32)
    return Block(start - origin, waits, times, upkeep)
