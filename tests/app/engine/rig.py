"""An engine over a virtual clock that reads a file and whose output is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.clock import VirtualClock
from app.engine.controls import Controls
from app.engine.engine import Engine
from app.engine.events import Event
from app.engine.sinks import NullSink
from app.engine.sources import FileSource
from app.engine.telemetry import Telemetry
from sepprune.streaming import Ladder, StreamingSeparator

CHUNK = 128


class Ear(NullSink):
    """A sink that keeps everything that is written to it."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock.now)
        self._blocks: list[np.ndarray] = []

    def write(self, block: np.ndarray) -> int:
        self._blocks.append(block.copy())
        return super().write(block)

    @property
    def heard(self) -> np.ndarray:
        return np.concatenate(self._blocks).T


class Slow:
    """A separator whose steps take ``seconds(step)`` of virtual time."""

    def __init__(self, separator: StreamingSeparator, clock: VirtualClock, seconds: Callable[[int], float]) -> None:
        self._separator, self._clock, self._seconds, self._steps = separator, clock, seconds, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._separator, name)

    def step(self, chunk: np.ndarray) -> np.ndarray:
        self._clock.advance(self._seconds(self._steps))
        self._steps += 1
        return self._separator.step(chunk)


class Rig:
    """An engine that reads a file once, with ``controls`` that differ from the defaults."""

    def __init__(
        self,
        ladder: Path,
        path: Path,
        seconds: Callable[[int], float] = lambda step: 0.001,
        chunk_ms: float = 8.0,
        **controls: Any,
    ) -> None:
        self.clock, self.telemetry = VirtualClock(), Telemetry()
        self.events: list[Event] = []
        self.separator = separator = StreamingSeparator(Ladder.load(ladder), chunk_ms=chunk_ms)
        self.ear = Ear(self.clock)
        source = FileSource(path, separator.chunk, separator.sample_rate, self.clock, tail=separator.delay)
        self.engine = Engine(
            Slow(self.separator, self.clock, seconds),
            source,
            self.ear,
            self.telemetry,
            clock=self.clock,
            emit=self.events.append,
            controls=Controls(loop=False).changed(**controls),
        )

    def change(self, **controls: Any) -> None:
        """Apply the controls with other values."""
        self.engine.apply(self.engine.controls.changed(**controls))

    def count(self, name: str) -> int:
        return int(self.telemetry.counters[name])
