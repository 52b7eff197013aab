"""The engine measures the way from its output to its input."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from app.engine.clock import VirtualClock
from app.engine.events import RoundTrip
from tests.app.engine.rig import CHUNK, Rig


class Cable:
    """A sink whose sound comes back ``samples`` later, times ``gain``, at a source that chunks wait at."""

    name, rate, cushion, ended, paused = "cable", 16_000, 0, False, False

    def __init__(self, clock: VirtualClock, samples: int, gain: float = 1.0) -> None:
        self._clock, self._gain = clock, gain
        self._way = np.zeros(samples, np.float32)

    def read(self) -> tuple[np.ndarray, float]:
        self._clock.advance(CHUNK / 16_000)
        chunk, self._way = self._way[:CHUNK], self._way[CHUNK:]
        return np.pad(chunk, (0, CHUNK - len(chunk))), self._clock.now()

    def wait(self, timeout: float) -> None:
        self._clock.advance(timeout)

    def write(self, block: np.ndarray) -> int:
        self._way = np.concatenate([self._way, self._gain * block.mean(axis=1)])
        return 0

    def time_of(self, position: int) -> float:
        return self._clock.now()

    def finish(self) -> None:
        pass

    def counts(self) -> Counter[str]:
        return Counter()


def measured(one: Rig, samples: int, gain: float) -> RoundTrip:
    """The answer of an engine whose output is joined to its input."""
    cable = Cable(one.clock, samples, gain)
    one.engine.connect(cable, cable)
    one.engine.measure_round_trip()
    one.engine.run(seconds=7.0)
    for thread in threading.enumerate():
        if thread.name == "round trip":
            thread.join(30.0)
    [answer] = [event for event in one.events if isinstance(event, RoundTrip)]
    return answer


@pytest.mark.parametrize("samples", [CHUNK, 700, 16_000])
@pytest.mark.parametrize("gain", [1.0, -0.05])
def test_a_round_trip_is_measured_to_the_sample(rig: Callable[..., Rig], samples: int, gain: float) -> None:
    one = rig()
    answer = measured(one, samples, gain)
    assert answer.round_trip_ms == pytest.approx(samples / 16, abs=1e-3) and answer.spread_ms == 0
    assert answer.input_to_output_ms == pytest.approx((samples + one.separator.delay) / 16, abs=1e-3)


def test_a_round_trip_without_a_way_back_says_what_to_do(rig: Callable[..., Rig]) -> None:
    answer = measured(rig(), 700, gain=0.0)
    assert answer.round_trip_ms is None and "nothing of the chirps came back" in answer.message
    assert "cable" in answer.message


def test_new_devices_end_a_measurement(rig: Callable[..., Rig]) -> None:
    one = rig()
    one.engine.measure_round_trip()
    one.engine.connect(one.engine.source, one.ear)
    one.engine.run(seconds=0.4)
    [answer] = [event for event in one.events if isinstance(event, RoundTrip)]
    assert "devices changed" in answer.message and np.abs(one.ear.heard[:, -2000:]).max() > 0.01
