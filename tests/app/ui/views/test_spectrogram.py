import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.views.spectrogram import SpectrogramColumns, frequency_position


def tone(hertz, amplitude=0.5, samples=4000, rate=16_000):
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(samples) / rate)).astype(np.float32)[None]


@given(cuts=st.lists(st.integers(0, 3000), max_size=8))
def test_any_blocks_give_the_same_columns(cuts):
    noise = np.random.default_rng(0).standard_normal((2, 3000)).astype(np.float32) * 0.1
    whole = SpectrogramColumns(2, 16_000, 40, 160).feed(noise)
    columns = SpectrogramColumns(2, 16_000, 40, 160)
    parts = [columns.feed(part) for part in np.split(noise, sorted(cuts), axis=1)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=2), whole)


@pytest.mark.parametrize("hertz", [300, 1000, 3000, 7000])
@pytest.mark.parametrize("rows", [48, 110, 300])
def test_a_tone_is_brightest_at_its_height(hertz, rows):
    column = SpectrogramColumns(1, 16_000, rows, 160).feed(tone(hertz, 0.02))[0, :, -1].astype(int)
    brightest = np.flatnonzero(column == column.max()).mean()
    assert 1 - (brightest + 0.5) / rows == pytest.approx(float(frequency_position(hertz, 16_000)), abs=0.02)


def test_louder_is_brighter_and_silence_is_dark():
    levels = [
        SpectrogramColumns(1, 16_000, 60, 160).feed(tone(1000, amplitude))[0, :, -1].max()
        for amplitude in (0.0, 0.001, 0.01, 0.1)
    ]
    assert levels[0] == 0 and levels == sorted(set(levels))


def test_a_column_comes_every_hop():
    assert SpectrogramColumns(3, 16_000, 50, 160).feed(np.zeros((3, 1600), np.float32)).shape == (3, 50, 10)


def test_the_axis_ends_at_half_the_sample_rate():
    assert (frequency_position(0, 8000), frequency_position(4000, 8000)) == (0.0, 1.0)
