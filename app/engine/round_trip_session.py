"""Measures the round trip without a window: an engine is started for it, and stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .commands import MeasureRoundTrip
from .connection import need_devices
from .events import Failed, Notice, Ready, RoundTrip
from .headless import Outcome
from .process import EngineProcess
from .protocol import Settings
from .round_trip import LEAD_S, LISTEN_S, REPEATS

#: sound that flows before the first chirp: drivers and the cushion find their size
SETTLE_S = 2.0

#: an engine that is not ready by then will not be
LOADING_S = 90.0

#: how much longer than its sound a measurement may take, for devices that start slowly or deliver nothing
PATIENCE_S = 30.0

#: between two looks at the engine
POLL_S = 0.05


def measure_round_trip(settings: Settings, say: Callable[[str], Any]) -> Outcome:
    """Play chirps through the output of ``settings`` and listen at its input, with everything between them at work.

    Args:
        settings: of the engine; both sides have to be devices.
        say: takes sentences for the user.

    Returns:
        A report with ``round_trip_ms`` and ``input_to_output_ms`` (milliseconds, ``None`` where nothing came back),
        ``spread_ms`` and what they were measured with; and where there is none, the problem.

    Raises:
        UserError: input or output is no device.
    """
    need_devices(settings.input, settings.output, "a round trip")
    engine = EngineProcess(replace(settings, fallback=False))
    try:
        engine.start()
        return _measure(engine, say)
    finally:
        engine.stop()


def _measure(engine: EngineProcess, say: Callable[[str], Any]) -> Outcome:
    ready: Ready | None = None
    asked = False
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
                    notices.append(message)  # that there is silence is no news while chirps are waited for
                case Failed(message, fatal):
                    if fatal:
                        engine.stop()
                        return Outcome(None, message, engine.exit_status == 2)
                    say(message)
                case RoundTrip():
                    return _outcome(engine, ready, event, notices)
        if not alive:
            return Outcome(None, "the audio engine did not start")
        if ready is not None and not asked and _settled(engine, ready):
            asked, end = True, time.monotonic() + PATIENCE_S + LEAD_S + LISTEN_S * REPEATS
            say(f"{REPEATS} chirps go out of {ready.output_name} and are listened for at {ready.input_name}")
            engine.send(MeasureRoundTrip())
        time.sleep(POLL_S)
    if ready is None:
        return Outcome(None, f"the audio engine was not ready within {LOADING_S:g} s")
    return Outcome(
        None,
        f"{ready.input_name} gave too little sound to measure with: check it, or choose another device",
        user_caused=True,
    )


def _settled(engine: EngineProcess, ready: Ready) -> bool:
    """Whether sound has flown for a while."""
    return engine.telemetry.counters["chunks"] * ready.chunk / ready.sample_rate >= SETTLE_S


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
