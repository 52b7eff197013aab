"""Rings keep order and count, for blocks of every size."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.engine.rings import Ring, Stamps


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=60), st.integers(1, 16))
def test_a_ring_gives_back_what_had_room_in_order(steps: list[tuple[int, int]], capacity: int) -> None:
    ring, sent, kept, got = Ring(capacity, 2), 0, [], []
    for write, read in steps:
        block = np.arange(sent, sent + write, dtype=np.float32)[:, None].repeat(2, axis=1)
        count = ring.write(block)
        kept += block[:count, 0].tolist()
        sent += write
        out = np.full((read, 2), -1, np.float32)
        got += out[: ring.read_into(out), 0].tolist()
    got += ring.take()[:, 0].tolist()
    assert got == kept


@given(st.integers(1, 50), st.integers(0, 100))
def test_a_full_ring_takes_what_has_room_and_says_how_much(capacity: int, samples: int) -> None:
    assert Ring(capacity, 1).write(np.zeros((samples, 1), np.float32)) == min(capacity, samples)


def test_a_cleared_ring_is_empty() -> None:
    ring = Ring(8, 1)
    ring.write(np.ones((5, 1), np.float32))
    ring.clear()
    assert ring.available == 0


def test_a_stamp_gives_the_time_at_which_a_position_was_first_passed() -> None:
    stamps = Stamps()
    for call in range(1, 6):
        stamps.add(call * 10, call * 1.0)
    assert [stamps.time_of(position) for position in (5, 10, 11, 50)] == [1.0, 1.0, 2.0, 5.0]


def test_a_position_not_yet_reached_has_no_time() -> None:
    stamps = Stamps()
    stamps.add(10, 1.0)
    assert math.isnan(stamps.time_of(11))


def test_a_position_long_past_has_no_time() -> None:
    stamps = Stamps(capacity=4)
    for call in range(10):
        stamps.add(call * 10, float(call))
    assert math.isnan(stamps.time_of(10))
