"""Measures the round trip without a window, with an engine that runs only for this."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from .commands import MeasureRoundTrip
from .connection import need_devices
from .events import Failed, Notice, Ready, RoundTrip
from .headless import Outcome
from .process import EngineProcess
from .protocol import Settings
from .round_trip import LEAD_S, LISTEN_S, REPEATS

#: seconds of sound before the first chirp, in which drivers and the cushion settle
SETTLE_S = 2.0

#: seconds after which an engine that is not ready counts as failed
LOADING_S = 90.0

#: seconds that a measurement may take beyond its own sound, for devices that start slowly or deliver nothing
PATIENCE_S = 30.0

#: measurements that are begun: one ends where a device that has lost sound is opened again with a longer buffer
TRIES = 3

#: seconds between two readings of events
POLL_S = 0.05


def measure_round_trip(settings: Settings, say: Callable[[str], None]) -> Outcome:
    """Play chirps through the output of ``settings`` and detect them in its input, with the whole engine in between.

    Args:
        settings: of the engine; input and output have to be devices.
        say: prints a sentence for the user.

    Returns:
        A report with ``round_trip_ms`` and ``input_to_output_ms`` (milliseconds, ``None`` where nothing came back),
        ``spread_ms`` and the conditions of the measurement; where nothing was measured, the problem.

    Raises:
        UserError: input or output is not a device.
    """
    need_devices(settings.input, settings.output, "a round trip")
    engine = EngineProcess(replace(settings, controls=replace(settings.controls, fallback=False)))
    try:
        engine.start()
        return _measure(engine, say)
    finally:
        engine.stop()


def _measure(engine: EngineProcess, say: Callable[[str], None]) -> Outcome:
    ready: Ready | None = None
    asked, tries, first = False, TRIES, 0.0
    notices: list[str] = []
    end = time.monotonic() + LOADING_S
    while time.monotonic() < end:
        alive = engine.alive
        for event in engine.events():
            match event:
                case Ready():
                    if ready is None:
                        end = time.monotonic() + PATIENCE_S + SETTLE_S
                    ready = event
                case Notice(message):
                    notices.append(message)  # not printed: silence is expected until a chirp arrives
                case Failed(message, fatal):
                    if fatal:
                        engine.stop()
                        return Outcome(None, message, engine.exit_status == 2)
                    say(message)
                case RoundTrip(interrupted=True) if tries:
                    asked, first = False, engine.telemetry.counters["chunks"]
                case RoundTrip() if ready is not None:
                    return _outcome(engine, ready, event, notices)
        if not alive:
            return Outcome(None, "the audio engine did not start")
        if ready is not None and not asked and _settled(engine, ready, first):
            asked, tries, end = True, tries - 1, time.monotonic() + PATIENCE_S + LEAD_S + LISTEN_S * REPEATS
            say(f"{REPEATS} chirps are played on {ready.output_name} and detected on {ready.input_name}")
            engine.send(MeasureRoundTrip())
        time.sleep(POLL_S)
    if ready is None:
        return Outcome(None, f"the audio engine was not ready within {LOADING_S:g} s")
    return Outcome(
        None,
        f"{ready.input_name} gave too little sound to measure with: check it, or choose another device",
        user_caused=True,
    )


def _settled(engine: EngineProcess, ready: Ready, first: float) -> bool:
    """Whether sound has run for :data:`SETTLE_S` since the chunk ``first``."""
    return (engine.telemetry.counters["chunks"] - first) * ready.chunk / ready.sample_rate >= SETTLE_S


def _outcome(engine: EngineProcess, ready: Ready, found: RoundTrip, notices: list[str]) -> Outcome:
    to_ms = 1000.0 / ready.sample_rate
    report = {
        "round_trip_ms": found.round_trip_ms,
        "input_to_output_ms": found.input_to_output_ms,
        "spread_ms": found.spread_ms,
        "chunk_ms": ready.chunk * to_ms,
        "separator_delay_ms": ready.delay * to_ms,
        "cushion_ms": engine.telemetry.counters["cushion_chunks"] * ready.chunk * to_ms,
        "driver_in_ms": ready.driver_in_ms,
        "driver_out_ms": ready.driver_out_ms,
        "input": ready.input_name,
        "output": ready.output_name,
        "input_rate": ready.input_rate,
        "output_rate": ready.output_rate,
        "message": found.message,
        "notices": notices,
    }
    return Outcome(report) if found.round_trip_ms is not None else Outcome(report, found.message, user_caused=True)
