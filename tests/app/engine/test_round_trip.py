"""A chirp is found with the precision of a sample, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from app.engine.round_trip import CHIRP_S, LISTEN_S, REPEATS, Probe, chirp, find
from sepprune.resources import asset

RATE = 16_000
CHUNK = 128


def measured(way: Callable[[np.ndarray], np.ndarray]) -> Probe:
    """A probe after its whole output has passed through ``way``, which maps it to the input."""
    silent, probe = Probe(RATE), Probe(RATE)
    played = []
    while not silent.done:
        played.append(silent(np.zeros(CHUNK, np.float32)))
    heard = way(np.concatenate(played)).astype(np.float32)
    for chunk in heard.reshape(-1, CHUNK):
        probe(chunk)
    return probe


def delayed(played: np.ndarray, samples: int) -> np.ndarray:
    return np.pad(played, (samples, 0))[: len(played)]


def noise(count: int, rms: float) -> np.ndarray:
    return rms * np.random.default_rng(0).standard_normal(count)


@pytest.mark.parametrize("samples", [0, 1, 640, 12_345, int((LISTEN_S - CHIRP_S) * RATE)])
def test_a_delay_is_found_to_the_sample(samples: int) -> None:
    result = measured(lambda played: delayed(played, samples)).result()
    assert (result.delay, result.spread) == (samples, 0)


def test_a_chirp_below_the_noise_is_found() -> None:
    """Through the air: at -8 dB, with an echo, and with inverted polarity."""

    def air(played: np.ndarray) -> np.ndarray:
        echo = delayed(played, 900) + 0.5 * delayed(played, 1_300)
        return noise(len(played), np.sqrt(np.mean(chirp(RATE) ** 2)) / 4) - 0.1 * echo

    assert measured(air).result().delay == 900


@pytest.mark.parametrize("sound", ["nothing", "noise", "speech", "a click", "a hum"])
def test_what_is_no_chirp_is_not_taken_for_one(sound: str) -> None:
    count = int(RATE * 10)
    speech = soundfile.read(asset("demo/mixture.flac"), dtype="float32")[0][:count]
    click = np.zeros(count)
    click[::3_000] = 1.0
    sounds = {
        "nothing": np.zeros(count),
        "noise": noise(count, 0.1),
        "speech": speech,
        "a click": click,
        "a hum": 0.5 * np.sin(2 * np.pi * 0.1 * np.arange(count)),
    }
    probe = measured(lambda played: sounds[sound][: len(played)])
    assert probe.result().delay is None
    assert "nothing of the chirps came back" in probe.answer(128).message


def test_a_delay_too_long_to_listen_for_is_not_taken_for_a_short_one() -> None:
    probe = measured(lambda played: delayed(played, int((LISTEN_S + 0.1) * RATE)))
    assert probe.result().delay is None and "nothing of the chirps" in probe.answer(128).message


def test_one_chirp_that_is_torn_apart_does_not_spoil_a_measurement() -> None:
    def torn(played: np.ndarray) -> np.ndarray:
        return np.where(np.arange(len(played)) < 2 * RATE, 0.0, delayed(played, 640))

    assert measured(torn).answer(128).round_trip_ms == 40.0


def test_a_single_chirp_is_not_enough() -> None:
    def torn(played: np.ndarray) -> np.ndarray:
        return np.where(np.arange(len(played)) < 4 * RATE, 0.0, delayed(played, 640))

    answer = measured(torn).answer(128)
    assert answer.round_trip_ms is None and f"only 1 of {REPEATS} chirps" in answer.message


def test_a_delay_that_changes_is_told_by_its_spread() -> None:
    def drifting(played: np.ndarray) -> np.ndarray:
        half = len(played) // 2
        return np.concatenate([delayed(played, 640)[:half], delayed(played, 768)[half:]])

    answer = measured(drifting).answer(128)
    assert answer.spread_ms == pytest.approx(8.0) and answer.round_trip_ms in (40.0, 48.0)


def test_the_answer_adds_the_separators_delay() -> None:
    answer = measured(lambda played: delayed(played, 640)).answer(128)
    assert (answer.round_trip_ms, answer.input_to_output_ms) == (40.0, 48.0)
    assert "40.0 ms" in answer.message and "48.0 ms" in answer.message


def test_a_match_is_a_correlation_between_0_and_1() -> None:
    sweep = chirp(RATE)
    assert find(np.pad(sweep, 1_000), sweep) == (1_000, pytest.approx(1.0, abs=1e-6))


def test_a_chirp_begins_and_ends_at_rest_and_stays_12_db_below_full_scale() -> None:
    sweep = chirp(RATE)
    assert np.abs(sweep[[0, -1]]).max() < 1e-3 and 0.2 < np.abs(sweep).max() <= 0.25
