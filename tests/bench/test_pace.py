"""Blocks at live rate and back to back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sepprune.bench.pace import LEAD_IN, Block, SystemClock, run_block
from tests.bench.virtual import SyntheticStream, VirtualClock

SOUND = np.zeros((4, 16), np.float32)


def run(paced: bool, times_ms: list[float], upkeep_ms: float = 0.0, chunks: int = 4) -> Block:
    """A block of 10 ms chunks; the lead-in takes 1 ms a chunk."""
    clock = VirtualClock()
    times: Iterator[float] = iter([1.0] * LEAD_IN + times_ms)
    return run_block(SyntheticStream(clock, lambda: next(times), upkeep_ms), SOUND, 0.01, paced, clock, 0.0, chunks)


@pytest.mark.parametrize("paced", [True, False])
def test_chunk_times_and_upkeep_are_those_of_the_stream_without_the_lead_in(paced: bool) -> None:
    block = run(paced, [1, 2, 3, 4], 0.5)
    assert block.times == pytest.approx([1, 2, 3, 4], rel=1e-4)
    assert block.upkeep == pytest.approx([0.5] * 4, rel=1e-4)


def test_a_paced_chunk_in_time_does_not_delay_the_next() -> None:
    assert run(True, [1, 9, 1, 1]).waits == pytest.approx([0, 0, 0, 0], abs=1e-3)


def test_a_paced_chunk_that_is_late_delays_the_chunks_after_it() -> None:
    assert run(True, [25, 8, 1, 1]).waits == pytest.approx([0, 15, 13, 4], rel=1e-3, abs=1e-3)


def test_upkeep_beyond_the_chunk_delays_the_next() -> None:
    assert run(True, [8, 8, 8, 8], upkeep_ms=4).waits == pytest.approx([0, 2, 4, 6], abs=1e-3)


def test_back_to_back_chunks_do_not_wait() -> None:
    assert not run(False, [25, 8, 1, 1]).waits.any()


def test_a_paced_block_takes_as_long_as_its_sound() -> None:
    clock = VirtualClock()
    run_block(SyntheticStream(clock, lambda: 1.0), SOUND, 0.01, True, clock, 0.0, 100)
    assert clock.time == pytest.approx(0.01 * (LEAD_IN + 100) + 0.001)


def test_back_to_back_times_and_upkeep_add_up_to_the_time_of_an_outside_clock() -> None:
    clock, random = VirtualClock(), np.random.default_rng(0)
    block = run_block(SyntheticStream(clock, lambda: random.exponential(2), 0.3), SOUND, 0.01, False, clock, 0.0, 4000)
    total = float(block.times.sum() + block.upkeep.sum()) / 1000
    assert total == pytest.approx(clock.time * 4000 / (4000 + LEAD_IN), rel=0.01)


def test_a_block_knows_when_it_started() -> None:
    clock = VirtualClock()
    clock.time = 7.0
    assert run_block(SyntheticStream(clock, lambda: 1.0), SOUND, 0.01, True, clock, 5.0, 1).start_s == 2.0


def test_the_clock_of_the_machine_never_returns_before_the_moment() -> None:
    clock = SystemClock()
    moment = clock.now() + 0.002
    clock.wait_until(moment)
    assert clock.now() >= moment
    clock.wait_until(moment - 100)  # has passed: returns at once
