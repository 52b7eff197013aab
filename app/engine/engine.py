"""The engine: a chunk in, separated, mixed, out, with its stamps. Devices, commands and processes are elsewhere."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sepprune.errors import UserError

from .clock import RealClock, VirtualClock
from .events import Event, Failed, LevelChanged, RoundTrip
from .fallback import Fallback
from .mixer import Mixer
from .round_trip import Probe
from .sinks import Sink
from .sources import Source, finite
from .telemetry import BYPASS, DEADLINE_MISS, TRANSITION, WARM_UP, Telemetry

if TYPE_CHECKING:
    from sepprune.streaming import StreamingSeparator

    from .recorder import Recorder

#: first chunks of a stream, in which caches fill: left out of the statistics
WARM_UP_CHUNKS = 12

#: a chunk's row is published without ``t_out`` after so long
FATE_S = 1.0

#: how often processor time and memory are read
HOUSEKEEPING_S = 0.5


class Engine:
    """Runs a separator between a source and a sink.

    Args:
        separator: a ``StreamingSeparator`` of two sources.
        source, sink: see :mod:`app.engine.sources` and :mod:`app.engine.sinks`.
        telemetry: what it shows.
        clock: real, or virtual for tests and files faster than live.
        emit: takes events.
        routing, gain_db, fallback: as in :class:`~app.engine.protocol.Settings`.

    With a virtual clock a level change waits for its preparation, so that a run can be repeated exactly.
    """

    def __init__(
        self,
        separator: StreamingSeparator,
        source: Source,
        sink: Sink,
        telemetry: Telemetry,
        *,
        clock: RealClock | VirtualClock | None = None,
        emit: Callable[[Event], None] = lambda event: None,
        routing: str = "both",
        gain_db: float = 0.0,
        fallback: bool = False,
    ) -> None:
        if separator.sources != 2:
            raise UserError(f"the ladder separates {separator.sources} sources: the app shows exactly 2")
        self.separator, self.source, self.sink, self.telemetry = separator, source, sink, telemetry
        self.clock = clock or RealClock()
        self.recorder: Recorder | None = None
        self._emit = emit
        self.mixer = Mixer(separator.sample_rate, routing, gain_db)  #: what is heard, to be changed while it runs
        self._past = np.zeros(separator.delay, np.float32)
        self._pending: deque[tuple[int, tuple[int, float, float, float], int]] = deque()
        self._asked: tuple[int, float] | None = None
        self._level = separator.level
        self._fallback: Fallback | None = None
        self._probe: Probe | None = None
        self._warm_up = WARM_UP_CHUNKS
        self._housekeeping = -math.inf
        self.set_fallback(fallback)

    @property
    def chunk_s(self) -> float:
        """Duration of a chunk in seconds."""
        return self.separator.chunk / self.separator.sample_rate

    def run(self, seconds: float | None = None) -> int:
        """Work until the source has ended or given so many seconds; returns the number of chunks."""
        chunks = 0
        while not self.source.ended and (seconds is None or chunks * self.chunk_s < seconds):
            if self.turn():
                chunks += 1
            else:
                self.source.wait(0.1)
        self._publish(final=True)
        return chunks

    def turn(self) -> bool:
        """Process one chunk if the source has one."""
        silent = self.source.paused = self.mixer.silent
        item = self.source.read()
        if item is None:
            self._publish()
            return False
        chunk, t_in = item
        if silent:
            self.sink.write(np.zeros((len(chunk), 2), np.float32))
        else:
            self._process(chunk, t_in)
        if self.source.ended:
            self.sink.finish()
        self._publish()
        self._keep_house()
        return True

    # ---- what can be changed ----

    def set_level(self, level: int) -> None:
        """Go to a level; answered by ``LevelChanged`` once it is heard, or by ``Failed``."""
        if not 0 <= level < len(self.separator.ladder.levels):
            self._emit(
                Failed(
                    f"there is no level {level}: choose from 0 (dense) to "
                    f"{len(self.separator.ladder.levels) - 1} (lightest)",
                    fatal=False,
                )
            )
            return
        if self._fallback is not None:
            self._fallback.ask(level)
        self._go_to(level)

    def set_fallback(self, on: bool) -> None:
        """Go to lighter levels while chunks come too late, or go back to the level asked for and stay."""
        before, self._fallback = self._fallback, None
        if on:
            wanted = self.separator.target_level if before is None else before.wanted
            self._fallback = Fallback(wanted, len(self.separator.ladder.levels) - 1, self.chunk_s)
        if before is not None and before.level != before.wanted:
            self._go_to(before.wanted)

    def measure_round_trip(self) -> None:
        """Play chirps in place of everything else and listen for them; answered by ``RoundTrip``.

        Raises:
            UserError: it is being measured already, or is paused.
        """
        if self.mixer.paused:
            raise UserError("nothing can be measured while it is paused: play, and measure again")
        if self._probe is not None:
            raise UserError("the round trip is being measured already: wait for its result")
        self._probe = Probe(self.separator.sample_rate)
        self.mixer.set(measuring=True)

    def connect(self, source: Source, sink: Sink) -> None:
        """Go on with another source or sink."""
        self._publish(final=True)
        if self._probe is not None:
            self._end_probe(
                RoundTrip(None, None, 0.0, "the devices changed while the round trip was measured: measure again")
            )
        self.source, self.sink = source, sink
        self._warm_up = WARM_UP_CHUNKS

    # ---- one chunk ----

    def _process(self, chunk: np.ndarray, t_in: float) -> None:
        separator, now = self.separator, self.clock.now
        in_transition = separator.transitioning
        t_start = now()
        voices = separator.step(chunk)
        t_done = now()
        voices, bad = finite(voices)
        if bad:
            separator.reset()  # a state that is not finite never heals
        delayed = np.concatenate([self._past, chunk])
        self._past = delayed[len(chunk) :]
        signals = np.concatenate([delayed[None, : len(chunk)], voices])
        mixed = self.mixer(signals)
        if self._probe is not None:
            mixed = self._probe_with(chunk, mixed)
        position = self.sink.write(mixed)
        separator.settle()
        flags = TRANSITION if in_transition or separator.transitioning else 0
        if t_done > t_in + self.chunk_s * (1 + self.sink.cushion):
            flags |= DEADLINE_MISS
        if self._warm_up:
            flags |= WARM_UP
            self._warm_up -= 1
        if self.mixer.bypass:
            flags |= BYPASS
        self._pending.append((separator.level, (t_in, t_start, t_done), flags, position))
        self._show(signals, mixed, bad, flags)
        if self.recorder is not None:
            self.recorder.put(signals, separator.level, t_start, t_done, flags)
        self._follow_level()
        if self._fallback is not None and not flags & (TRANSITION | WARM_UP):
            self._fall_back(bool(flags & DEADLINE_MISS), t_done - t_start, t_done)

    def _probe_with(self, chunk: np.ndarray, mixed: np.ndarray) -> np.ndarray:
        mixed = mixed + self._probe(chunk)[:, None]
        if self._probe.done:
            probe, delay = self._probe, self.separator.delay
            self._end_probe()
            threading.Thread(target=lambda: self._emit(probe.answer(delay)), name="round trip", daemon=True).start()
        return mixed

    def _end_probe(self, *events: Event) -> None:
        self._probe = None
        self.mixer.set(measuring=False)
        for event in events:
            self._emit(event)

    def _fall_back(self, missed: bool, compute_s: float, now: float) -> None:
        before = self._fallback.level
        fell = self._fallback.watch(missed, compute_s, now)
        if fell is not None:
            self.telemetry.count("fallbacks" if fell.level > before else "recoveries")
            self._emit(fell)
            self._go_to(fell.level)

    def _go_to(self, level: int) -> None:
        self._asked = level, self.clock.now()
        self.separator.set_level(level, wait=isinstance(self.clock, VirtualClock))

    def _show(self, signals: np.ndarray, mixed: np.ndarray, bad: int, flags: int) -> None:
        telemetry = self.telemetry
        telemetry.write_audio(signals)
        telemetry.show_peaks(np.concatenate([np.abs(signals).max(axis=1), np.abs(mixed).max(axis=0)]), self.chunk_s)
        telemetry.count("chunks")
        telemetry.count("bad_samples", bad)
        if flags & DEADLINE_MISS and not flags & WARM_UP:
            telemetry.count("deadline_misses")

    def _follow_level(self) -> None:
        separator = self.separator
        if separator.level != self._level:
            self._level = separator.level
            self.telemetry.count("switches")
        if self._asked and separator.level_error is not None:
            self._emit(Failed(f"level {self._asked[0]} cannot be used: {separator.level_error}", fatal=False))
            self._asked = None
            if self._fallback is not None:
                self._fallback.level = separator.level
        elif self._asked and separator.level == self._asked[0] and not separator.transitioning:
            level, since = self._asked
            self._asked = None
            self._emit(LevelChanged(level, 1000.0 * (self.clock.now() - since), separator.backend, separator.precision))

    def _publish(self, final: bool = False) -> None:
        """Show the rows of chunks that have been played, in order."""
        while self._pending:
            level, times, flags, position = self._pending[0]
            t_out = self.sink.time_of(position)
            if math.isnan(t_out) and not final and self.clock.now() - times[2] < FATE_S:
                return
            self._pending.popleft()
            self.telemetry.write_frame(level, *times, t_out, flags)

    def _keep_house(self) -> None:
        telemetry, moment = self.telemetry, self.clock.now()
        for name, amount in (self.source.counts() + self.sink.counts()).items():
            telemetry.count(name, amount)
        telemetry.set("cushion_chunks", self.sink.cushion)
        telemetry.set("heartbeat", moment)
        if moment - self._housekeeping >= HOUSEKEEPING_S:
            self._housekeeping = moment
            telemetry.set("engine_cpu_seconds", time.process_time())
            telemetry.set("rss_bytes", _resident_bytes())


def _resident_bytes() -> int:
    """Memory of this process; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
