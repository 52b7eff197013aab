"""The engine measures the delay from its output to its input."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from app.engine.clock import VirtualClock
from app.engine.events import RoundTrip
from sepprune.errors import UserError
from tests.app.engine.rig import CHUNK, Rig


class Cable:
    """A sink and source in one: sound comes back ``samples`` later, times ``gain``."""

    name, rate, cushion, ended, paused, loop, silent_s = "cable", 16_000, 0, False, False, False, 0.0
    resampler_ms = device_ms = position = duration = 0.0

    def __init__(self, clock: VirtualClock, samples: int, gain: float = 1.0) -> None:
        self._clock, self._gain = clock, gain
        self._line = np.zeros(samples, np.float32)

    def read(self) -> tuple[np.ndarray, float]:
        self._clock.advance(CHUNK / 16_000)
        chunk, self._line = self._line[:CHUNK], self._line[CHUNK:]
        return np.pad(chunk, (0, CHUNK - len(chunk))), self._clock.now()

    def wait(self, timeout: float) -> None:
        self._clock.advance(timeout)

    def write(self, block: np.ndarray) -> int:
        self._line = np.concatenate([self._line, self._gain * block.mean(axis=1)])
        return 0

    def time_of(self, position: int) -> float:
        return self._clock.now()

    def finish(self) -> None:
        pass

    def counts(self) -> Counter[str]:
        return Counter()


def measured(one: Rig, samples: int, gain: float) -> RoundTrip:
    """The result of an engine whose output is connected to its input."""
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


def test_a_round_trip_in_which_nothing_comes_back_says_what_to_do(rig: Callable[..., Rig]) -> None:
    answer = measured(rig(), 700, gain=0.0)
    assert answer.round_trip_ms is None and "nothing of the chirps came back" in answer.message
    assert "cable" in answer.message


def test_new_devices_end_a_measurement(rig: Callable[..., Rig]) -> None:
    one = rig()
    one.engine.measure_round_trip()
    one.engine.connect(one.engine.source, one.ear)
    one.engine.run(seconds=0.4)
    [answer] = [event for event in one.events if isinstance(event, RoundTrip)]
    assert answer.interrupted and "devices changed" in answer.message and np.abs(one.ear.heard[:, -2000:]).max() > 0.01


@pytest.mark.parametrize(("before", "sentence"), [("paused", "paused"), ("measuring", "being measured already")])
def test_a_measurement_that_is_not_possible_is_a_sentence(rig: Callable[..., Rig], before: str, sentence: str) -> None:
    one = rig()
    if before == "paused":
        one.change(paused=True)
    else:
        one.engine.measure_round_trip()
    with pytest.raises(UserError, match=sentence):
        one.engine.measure_round_trip()


def test_controls_that_change_during_a_measurement_are_heard_after_it(rig: Callable[..., Rig]) -> None:
    one = rig(np.tile(np.float32(0.1), 16_000))
    one.engine.measure_round_trip()
    one.change(routing="mixture")
    one.engine.run(seconds=0.2)
    silent = np.abs(one.ear.heard[:, 640:]).max()
    one.engine.connect(one.engine.source, one.ear)
    one.engine.run()
    assert silent == 0.0 and one.ear.heard[0, 6400] == np.float32(0.1)
