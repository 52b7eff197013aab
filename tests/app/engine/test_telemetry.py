"""The reader gets the newest part of what was written, complete and in order, and never waits."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.telemetry import AUDIO_SAMPLES, COUNTERS, FRAME, FRAME_ROWS, Telemetry, joined


def ramp(start: int, samples: int) -> np.ndarray:
    """Three signals whose samples encode their position."""
    return (np.arange(start, start + samples) % 65_536 + np.array([[0.0], [0.25], [0.5]])).astype(np.float32)


@given(st.lists(st.integers(1, 4096), min_size=1, max_size=40))
def test_a_reader_that_keeps_up_sees_every_sample_once(sizes: list[int]) -> None:
    telemetry, position, seen = Telemetry(), 0, []
    for size in sizes:
        telemetry.write_audio(ramp(position, size))
        position, audio = telemetry.audio_since(position)
        seen.append(audio)
    np.testing.assert_array_equal(np.concatenate(seen, axis=1), ramp(0, sum(sizes)))


def test_a_reader_that_comes_late_gets_the_newest_twelve_seconds() -> None:
    telemetry = Telemetry()
    for chunk in range(2000):
        telemetry.write_audio(ramp(chunk * 128, 128))
    position, audio = telemetry.audio_since(0)
    np.testing.assert_array_equal(audio, ramp(position - AUDIO_SAMPLES, AUDIO_SAMPLES))


def test_a_reader_from_the_future_gets_nothing() -> None:
    assert Telemetry().audio_since(10_000)[1].shape == (3, 0)


def test_frames_come_once_each_in_order() -> None:
    telemetry, seen = Telemetry(), []
    for turn in range(50):
        for _ in range(turn % 3):
            telemetry.write_frame(turn, 0.0, 1.0, 2.0, 3.0, 0)
        rows = telemetry.frames_since(len(seen))
        seen += rows["index"].tolist()
    assert seen == list(range(len(seen))) and len(seen) == 49


def test_late_frames_are_the_newest() -> None:
    telemetry = Telemetry()
    for level in range(3 * FRAME_ROWS):
        telemetry.write_frame(level, 0.0, 0.0, 0.0, 0.0, 0)
    assert telemetry.frames_since(0)["level"].tolist() == list(range(2 * FRAME_ROWS, 3 * FRAME_ROWS))


def test_peaks_rise_at_once_and_fall_by_twenty_decibels_a_second() -> None:
    telemetry = Telemetry()
    telemetry.show_peaks(np.full(5, 0.5), 0.01)
    for _ in range(100):
        telemetry.show_peaks(np.zeros(5), 0.01)
    assert telemetry.peaks["mixture"] == pytest.approx(0.05)


def test_a_spawned_process_writes_into_the_same_memory() -> None:
    telemetry = Telemetry()
    process = multiprocessing.get_context("spawn").Process(target=Telemetry.set, args=(telemetry, "heartbeat", 42.0))
    process.start()
    process.join()
    assert telemetry.counters["heartbeat"] == 42.0


def test_every_counter_starts_at_zero() -> None:
    assert set(Telemetry().counters.values()) == {0.0} and len(Telemetry().counters) == len(COUNTERS)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_rows_of_several_arrays_are_joined_in_order(sizes: list[int]) -> None:
    parts = [np.zeros(size, FRAME) for size in sizes]
    for number, part in enumerate(parts):
        part["index"], part["flags"] = number, -number
    np.testing.assert_array_equal(joined(parts), np.concatenate(parts))
    np.testing.assert_array_equal(joined([part[::2] for part in parts]), np.concatenate([part[::2] for part in parts]))
