"""Why chunks are late: from stamps alone, for the chunk itself and for those that it delays."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from app.engine.lateness import Lateness, late_words
from app.engine.telemetry import COMPUTED, DELIVERED, WAITED

CHUNK_S = 0.008


def causes(chunks: Iterable[tuple[float, float, float, float]]) -> list[int]:
    """Causes of chunks, each given as arrival, start, end and processor time in milliseconds."""
    lateness = Lateness(CHUNK_S)
    return [lateness.cause(*(value / 1000 for value in chunk)) for chunk in chunks]


def test_a_start_long_after_the_arrival_waited_for_the_processor() -> None:
    assert causes([(8, 28, 29, 1)]) == [WAITED]


def test_a_computation_that_lost_the_processor_waited_for_it() -> None:
    assert causes([(8, 8, 28, 1)]) == [WAITED]


def test_a_computation_that_had_the_processor_took_long() -> None:
    assert causes([(8, 8, 28, 20)]) == [COMPUTED]


def test_chunks_that_arrive_at_once_were_delivered_late() -> None:
    assert causes([(100, 100 + k, 101 + k, 1) for k in range(12)])[-1] == DELIVERED


@pytest.mark.parametrize(("busy", "cause"), [(20, COMPUTED), (1, WAITED)])
def test_a_chunk_that_an_earlier_one_delays_has_its_cause(busy: float, cause: int) -> None:
    assert causes([(8, 8, 28, busy), (16, 28, 29, 1)]) == [cause, cause]


def test_a_pause_in_the_work_ends_what_an_earlier_chunk_explains() -> None:
    assert causes([(8, 8, 28, 20), (16, 28, 29, 1), (40, 55, 56, 1)])[-1] == WAITED


def test_several_threads_do_not_compute_longer_than_the_clock_says() -> None:
    assert causes([(8, 17, 19, 16)]) == [WAITED]


def test_words_begin_with_the_most_frequent_cause() -> None:
    assert late_words({"processor": 1, "compute": 4, "device": 0}) == "4 took long, 1 waited for the processor"
    assert late_words({"processor": 0, "compute": 0, "device": 0}) == ""
