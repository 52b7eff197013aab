"""The engine: reads a chunk, separates, mixes, writes, and stamps it. Devices, commands and processes are elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sepprune.errors import UserError

from .arrays import Samples
from .chunk_rows import ChunkRow, ChunkRows
from .clock import RealClock, VirtualClock
from .controls import Controls
from .events import Event, Failed, LevelChanged, LevelFailed, RoundTrip
from .fallback import Fallback
from .housekeeping import Housekeeping
from .lateness import Lateness
from .live_separator import LiveSeparator
from .mixer import Mixer
from .round_trip import Probe
from .sinks import Sink
from .sources import Source, finite
from .telemetry import BYPASS, DEADLINE_MISS, TRANSITION, WARM_UP, Telemetry

if TYPE_CHECKING:
    from .recorder import Recorder

#: first chunks of a stream, in which caches fill: left out of the statistics
WARM_UP_CHUNKS = 12


class _Switch(NamedTuple):
    """A change of level that has not been answered yet."""

    level: int
    wanted: int
    since: float


class Engine:
    """Runs a separator between a source and a sink.

    With a virtual clock, a change of level waits until the new level is prepared, so that a run can be repeated
    exactly.

    Args:
        separator: a ``StreamingSeparator`` of two sources, or several side by side.
        source, sink: see :mod:`app.engine.sources` and :mod:`app.engine.sinks`.
        telemetry: where stamps, sound, counters and peaks are written.
        clock: real, or virtual for tests and for files that run faster than live.
        emit: takes events; must not wait.
        controls: the live controls at the start.

    Attributes:
        controls: the controls that are applied. A level that the fallback has chosen is not among them.
        recorder: takes every chunk while it is set.

    Raises:
        UserError: the ladder separates another number of sources, or the controls are not possible.
    """

    def __init__(
        self,
        separator: LiveSeparator,
        source: Source,
        sink: Sink,
        telemetry: Telemetry,
        *,
        clock: RealClock | VirtualClock | None = None,
        emit: Callable[[Event], None] = lambda event: None,
        controls: Controls | None = None,
    ) -> None:
        if separator.sources != 2:
            raise UserError(f"the ladder separates {separator.sources} sources: the app shows exactly 2")
        self.controls = controls or Controls(level=separator.target_level)
        self.controls.check(len(separator.ladder.levels))
        self.separator, self.source, self.sink, self.telemetry = separator, source, sink, telemetry
        self.clock = clock or RealClock()
        self.recorder: Recorder | None = None
        self._emit = emit
        self._mixer = Mixer(separator.sample_rate, self.controls)
        self._past = np.zeros(separator.delay, np.float32)
        self._rows = ChunkRows(telemetry)
        self._switch: _Switch | None = None
        self._heard_level = separator.level
        self._fallback: Fallback | None = None
        self._probe: Probe | None = None
        self._warm_up = WARM_UP_CHUNKS
        self._housekeeping = Housekeeping(telemetry)
        self._lateness, self._busy = Lateness(self.chunk_s), 0.0
        self._start_fallback()
        self._control_source()

    @property
    def chunk_s(self) -> float:
        """Duration of a chunk in seconds."""
        return self.separator.chunk / self.separator.sample_rate

    def run(self, seconds: float | None = None) -> int:
        """Process chunks until the source has ended or ``seconds`` of sound are done; returns the number of chunks."""
        chunks = 0
        while not self.source.ended and (seconds is None or chunks * self.chunk_s < seconds):
            if self.turn():
                chunks += 1
            else:
                self.source.wait(0.1)
        self._publish(final=True)
        return chunks

    def turn(self) -> bool:
        """Process one chunk if the source has one; returns whether it had."""
        silent = self.source.paused = self.controls.paused and self._mixer.settled
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
        self._housekeeping.update(self.source, self.sink, self.clock.now())
        return True

    # ---- what can be changed ----

    def apply(self, wanted: Controls) -> None:
        """Apply what differs from the present controls.

        A change of level is answered by ``LevelChanged`` once it is heard, or by ``LevelFailed``.

        Raises:
            UserError: a value is not possible; nothing changes.
        """
        wanted.check(len(self.separator.ladder.levels))
        before, self.controls = self.controls, wanted
        self._mixer.apply(wanted, measuring=self._probe is not None)
        self._control_source()
        if (wanted.level, wanted.fallback) != (before.level, before.fallback):
            self._start_fallback()
            if wanted.level != before.level or wanted.level != self.separator.target_level:
                self._go_to(wanted.level)

    def retry_wanted_level(self) -> None:
        """Return from the level of the fallback to the wanted level now."""
        self._start_fallback()
        self._go_to(self.controls.level)

    def measure_round_trip(self) -> None:
        """Play chirps in place of every other sound and detect them in the input; answered by ``RoundTrip``.

        Raises:
            UserError: a measurement runs already, or the sound is paused.
        """
        if self.controls.paused:
            raise UserError(
                "the round trip cannot be measured while the sound is paused: press play, and measure again"
            )
        if self._probe is not None:
            raise UserError("the round trip is being measured already: wait for its result")
        self._probe = Probe(self.separator.sample_rate)
        self._mixer.apply(self.controls, measuring=True)

    def connect(self, source: Source, sink: Sink) -> None:
        """Continue with another source or sink."""
        self._publish(final=True)
        if self._probe is not None:
            self._end_probe()
            sentence = "the devices changed while the round trip was measured: measure again"
            self._emit(RoundTrip(None, None, 0.0, sentence, interrupted=True))
        self.source, self.sink = source, sink
        self._control_source()
        self._warm_up = WARM_UP_CHUNKS

    def _control_source(self) -> None:
        self.source.loop, self.source.passage = self.controls.loop, self.controls.passage

    # ---- one chunk ----

    def _process(self, chunk: Samples, t_in: float) -> None:
        separator, now = self.separator, self.clock.now
        in_transition = separator.transitioning
        t_start = now()
        voices = separator.step(chunk)
        t_done, busy_before = now(), self._busy
        self._busy = self.clock.busy()  # a call of the system, so only once a chunk
        voices, bad = finite(voices)
        if bad:
            separator.reset()  # a state that is not finite stays so
        delayed = np.concatenate([self._past, chunk])
        self._past = delayed[len(chunk) :]
        signals = np.concatenate([delayed[None, : len(chunk)], voices])
        mixed = self._mixer(signals)
        if self._probe is not None:
            mixed = self._probe_with(self._probe, chunk, mixed)
        position = self.sink.write(mixed)
        separator.settle()
        flags = TRANSITION if in_transition or separator.transitioning else 0
        cause = self._lateness.cause(t_in, t_start, t_done, self._busy - busy_before)
        if t_done > t_in + self.chunk_s * (1 + self.sink.cushion):
            flags |= DEADLINE_MISS | cause
        if self._warm_up:
            flags |= WARM_UP
            self._warm_up -= 1
        if self.controls.bypass:
            flags |= BYPASS
        self._rows.add(ChunkRow(separator.level, t_in, t_start, t_done, flags, position))
        self._show(signals, mixed, bad, flags)
        if self.recorder is not None:
            self.recorder.put(signals, separator.level, t_start, t_done, flags)
        self._follow_level()
        if self._fallback is not None and not flags & (TRANSITION | WARM_UP):
            self._watch_load(self._fallback, bool(flags & DEADLINE_MISS), t_done - t_start, t_done)

    def _probe_with(self, probe: Probe, chunk: Samples, mixed: Samples) -> Samples:
        mixed = mixed + probe(chunk)[:, None]
        if probe.done:
            delay = self.separator.delay
            self._end_probe()
            threading.Thread(target=lambda: self._emit(probe.answer(delay)), name="round trip", daemon=True).start()
        return mixed

    def _end_probe(self) -> None:
        self._probe = None
        self._mixer.apply(self.controls)

    def _start_fallback(self) -> None:
        lightest = len(self.separator.ladder.levels) - 1
        wanted = self.controls.level
        self._fallback = Fallback(wanted, lightest, self.chunk_s) if self.controls.fallback else None

    def _watch_load(self, fallback: Fallback, missed: bool, compute_s: float, now: float) -> None:
        before = fallback.chosen
        fell_back = fallback.watch(missed, compute_s, now)
        if fell_back is not None:
            self.telemetry.count("fallbacks" if fell_back.level > before else "recoveries")
            self._emit(fell_back)
            self._go_to(fell_back.level)

    def _go_to(self, level: int) -> None:
        self._switch = _Switch(level, self.controls.level, self.clock.now())
        self.separator.set_level(level, wait=isinstance(self.clock, VirtualClock))

    def _follow_level(self) -> None:
        separator, switch = self.separator, self._switch
        if separator.level != self._heard_level:
            self._heard_level = separator.level
            self.telemetry.count("switches")
        if switch is None:
            return
        if separator.level_error is not None:
            self._switch = None
            sentence = f"level {switch.level} cannot be used: {separator.level_error}"
            if switch.level == self.controls.level:  # later controls are not to try it again by themselves
                self.controls = self.controls.changed(level=separator.level)
                self._start_fallback()
                self._emit(LevelFailed(separator.level, switch.level, sentence))
            else:
                self._emit(Failed(sentence, fatal=False))
                if self._fallback is not None:
                    self._fallback.chosen = separator.level
        elif separator.level == switch.level and not separator.transitioning:
            self._switch = None
            switch_ms = 1000.0 * (self.clock.now() - switch.since)
            self._emit(LevelChanged(switch.level, switch.wanted, switch_ms, separator.backend, separator.precision))

    # ---- telemetry ----

    def _show(self, signals: Samples, mixed: Samples, bad: int, flags: int) -> None:
        telemetry = self.telemetry
        telemetry.write_audio(signals)
        telemetry.show_peaks(np.concatenate([np.abs(signals).max(axis=1), np.abs(mixed).max(axis=0)]), self.chunk_s)
        telemetry.count("chunks")
        telemetry.count("bad_samples", bad)
        if flags & DEADLINE_MISS and not flags & WARM_UP:
            telemetry.count("deadline_misses")

    def _publish(self, final: bool = False) -> None:
        self._rows.publish(self.sink, self.clock.now(), final)
