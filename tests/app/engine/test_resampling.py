"""The live resampler: any chunking, no images, a constant small delay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.resampling import Resampler

PAIRS = [(48_000, 16_000), (44_100, 16_000), (16_000, 48_000), (16_000, 44_100), (16_000, 22_050), (8_000, 16_000)]


def sine(frequency: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate).astype(np.float32)[:, None]


@given(st.sampled_from(PAIRS), st.lists(st.integers(0, 700), min_size=1, max_size=12))
def test_any_chunking_gives_the_same_samples(pair: tuple[int, int], sizes: list[int]) -> None:
    signal = np.random.default_rng(0).standard_normal((sum(sizes), 2)).astype(np.float32)
    whole, pieces, start = Resampler(*pair, channels=2)(signal), [], 0
    resampler = Resampler(*pair, channels=2)
    for size in sizes:
        pieces.append(resampler(signal[start : start + size]))
        start += size
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-6)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_tone_keeps_its_frequency_phase_and_level(pair: tuple[int, int]) -> None:
    result = Resampler(*pair, channels=1)(sine(1000, pair[0]))[:, 0]
    expected = sine(1000, pair[1])[: len(result), 0]
    middle = slice(pair[1] // 100, None)
    assert np.abs(result - expected)[middle].max() < 2e-3


@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_tones_above_the_new_band_are_sixty_decibels_down(rate: int) -> None:
    result = Resampler(rate, 16_000, channels=1)(sine(9_000, rate))[200:, 0]
    assert 20 * np.log10(np.sqrt(2 * np.mean(result**2))) < -60


@pytest.mark.parametrize("pair", PAIRS)
def test_it_holds_back_less_than_two_milliseconds_at_sixteen_kilohertz(pair: tuple[int, int]) -> None:
    resampler, chunk = Resampler(*pair, channels=1), round(0.008 * pair[0])
    given_s = got_s = 0.0
    for _ in range(20):
        given_s += chunk / pair[0]
        got_s += len(resampler(np.zeros((chunk, 1), np.float32))) / pair[1]
        assert 0 <= given_s - got_s < 0.0016 * 16_000 / min(16_000, *pair)


def test_equal_rates_pass_untouched() -> None:
    signal = sine(440, 16_000)
    assert Resampler(16_000, 16_000, channels=1)(signal) is signal
