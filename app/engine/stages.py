"""The parts of the latency between microphone and loudspeaker."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .arrays import Frames
from .events import Ready


@dataclass(frozen=True)
class Stage:
    """One part of the latency, in milliseconds; ``why`` explains it."""

    name: str
    ms: float
    why: str


def stages(ready: Ready, frames: Frames, counters: Mapping[str, float]) -> list[Stage]:
    """The stages of some chunks; those that the engine measures are medians.

    Their sum is the time from the microphone to the loudspeaker, and of the same sound: a sample waits until its chunk
    is complete, and the first sample of a chunk waits longest. Devices and resamplers that are not in use are left out.

    Args:
        ready: of the engine.
        frames: rows of :data:`~app.engine.telemetry.FRAME`.
        counters: of the telemetry.
    """
    to_ms = 1000 / ready.sample_rate
    device_in, how_in = _device(counters["device_in_ms"], ready.driver_in_ms)
    device_out, how_out = _device(counters["device_out_ms"], ready.driver_out_ms)
    found = [
        Stage("device in", device_in, f"from the recording of a sample until the driver delivers it, {how_in}"),
        Stage("chunk", ready.chunk * to_ms, "collecting the samples of one chunk"),
        Stage(
            "algorithmic",
            ready.delay * to_ms,
            "overlap of the synthesis windows: voices lag the mixture by window minus hop",
        ),
        Stage("resamplers", ready.resamplers_ms, "half the length of the filters between the sample rates"),
        Stage(
            "queue",
            median_ms(frames, "t_start", "t_in"),
            "median time from the arrival of the last sample to the start of computation",
        ),
        Stage("compute", median_ms(frames, "t_done", "t_start"), "median chunk time of the separator"),
        Stage(
            "cushion",
            median_ms(frames, "t_out", "t_done"),
            "median time that finished sound waits for the output; grows by a chunk after an underrun",
        ),
        Stage("device out", device_out, f"from when the driver takes a sample until it is played, {how_out}"),
    ]
    optional = ("device in", "resamplers", "device out")
    return [stage for stage in found if stage.ms > 0 or stage.name not in optional]


def median_ms(frames: Frames, later: str, earlier: str) -> float:
    """Median time between two stamps in milliseconds; 0 where no chunk has both."""
    span = 1000 * (frames[later] - frames[earlier])
    span = span[np.isfinite(span)]
    return max(0.0, float(np.median(span))) if len(span) else 0.0


def _device(measured_ms: float, stated_ms: float) -> tuple[float, str]:
    """Delay of a device in milliseconds, and where it comes from."""
    if stated_ms and (math.isnan(measured_ms) or not measured_ms):
        return stated_ms, "as the audio system stated it once"
    return measured_ms, "median of what the audio system states for each block"
