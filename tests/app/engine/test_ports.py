"""Delays of devices, as PortAudio states them for each block, and how steadily an output asks for sound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from app.engine.clock import VirtualClock
from app.engine.ports import MOST_UNSTEADY_S, InputPort, OutputPort

BLOCK, RATE = 128, 16_000


@dataclass(frozen=True)
class Times:
    currentTime: float = 100.0
    inputBufferAdcTime: float = 0.0
    outputBufferDacTime: float = 0.0


class Flags:
    input_overflow = output_underflow = False


def recorded(*ages_ms: float) -> InputPort:
    """A port that got a block of each age."""
    port = InputPort(RATE, 1)
    for age in ages_ms:
        times = Times(inputBufferAdcTime=100.0 - age / 1000)
        port.callback(np.zeros((BLOCK, 1), np.float32), BLOCK, times, Flags())
    return port


def test_the_age_of_a_block_counts_from_its_last_sample() -> None:
    assert recorded(10.0, 28.0, 12.0).delay_ms == pytest.approx(4.0)


def test_an_age_below_the_duration_of_a_block_is_that_of_its_last_sample_already() -> None:
    assert recorded(3.0, 19.0, 11.0).delay_ms == pytest.approx(11.0)


def test_an_output_s_delay_is_the_median_time_until_a_block_is_played() -> None:
    port = OutputPort(RATE, 2, 0)
    for delay in (0.030, 0.040, 0.090):
        times = Times(outputBufferDacTime=100.0 + delay)
        port.callback(np.zeros((BLOCK, 2), np.float32), BLOCK, times, Flags())
    assert port.delay_ms == pytest.approx(40.0)


def called(*moments_ms: float) -> OutputPort:
    """An output that was called at these times, after steady calls."""
    clock = VirtualClock()
    port = OutputPort(RATE, 2, 0, clock.now)
    steady = [1000 * BLOCK / RATE * call for call in range(1, 21)]
    for moment in (*steady, *(steady[-1] + moment for moment in moments_ms)):
        clock.sleep_until(moment / 1000)
        port.callback(np.zeros((BLOCK, 2), np.float32), BLOCK, None, Flags())
    return port


def test_steady_calls_are_known_as_such() -> None:
    assert called().known and called().unsteady_s == pytest.approx(0.0, abs=1e-9)


def test_a_burst_of_calls_is_as_unsteady_as_the_sound_it_asks_for() -> None:
    block_ms = 1000 * BLOCK / RATE
    assert called(block_ms, block_ms, block_ms).unsteady_s == pytest.approx(2 * block_ms / 1000)


def test_a_call_that_was_very_late_counts_up_to_a_limit() -> None:
    assert called(400.0).unsteady_s == MOST_UNSTEADY_S


@pytest.mark.parametrize("times", [None, Times()])
def test_a_delay_that_is_not_stated_is_not_a_number(times: Times | None) -> None:
    source, sink = InputPort(RATE, 1), OutputPort(RATE, 1, 0)
    source.callback(np.zeros((BLOCK, 1), np.float32), BLOCK, times, Flags())
    sink.callback(np.zeros((BLOCK, 1), np.float32), BLOCK, times, Flags())
    assert math.isnan(source.delay_ms) and math.isnan(sink.delay_ms)
