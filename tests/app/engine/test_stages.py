"""The parts of the latency: the whole way once, each with its source."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app.engine.events import Ready
from app.engine.stages import Stage, stages
from app.engine.telemetry import COUNTERS, FRAME

FILE = Ready((), 16_000, 128, 128, 128, "openvino", "fp32", "demo", "none", "demo", "none", 48_000, 0)
DEVICES = replace(FILE, driver_in_ms=32.0, driver_out_ms=32.0, resamplers_ms=3.0)


def frames(count: int = 10) -> np.ndarray:
    rows = np.zeros(count, FRAME)
    rows["t_in"] = np.arange(count)
    rows["t_start"] = rows["t_in"] + 0.0005
    rows["t_done"] = rows["t_start"] + 0.002
    rows["t_out"] = rows["t_done"] + 0.008
    return rows


def found(ready: Ready, rows: np.ndarray, **counters: float) -> dict[str, Stage]:
    return {stage.name: stage for stage in stages(ready, rows, dict.fromkeys(COUNTERS, 0.0) | counters)}


def test_the_stages_are_the_way_from_microphone_to_loudspeaker() -> None:
    ways = found(DEVICES, frames(), device_in_ms=11.0, device_out_ms=40.0)
    assert {name: stage.ms for name, stage in ways.items()} == pytest.approx(
        {
            "device in": 11.0,
            "chunk": 8.0,
            "algorithmic": 8.0,
            "resamplers": 3.0,
            "queue": 0.5,
            "compute": 2.0,
            "cushion": 8.0,
            "device out": 40.0,
        }
    )


def test_a_file_without_output_has_no_stages_of_devices() -> None:
    assert set(found(FILE, frames())) == {"chunk", "algorithmic", "queue", "compute", "cushion"}


def test_what_was_stated_at_the_opening_counts_where_blocks_have_no_times() -> None:
    ways = found(DEVICES, frames(), device_in_ms=math.nan, device_out_ms=math.nan)
    assert (ways["device in"].ms, ways["device out"].ms) == (32.0, 32.0)
    assert "once" in ways["device in"].why


def test_unknown_times_count_as_nothing() -> None:
    rows = frames()
    rows["t_out"] = np.nan
    assert found(FILE, rows)["cushion"].ms == 0.0
