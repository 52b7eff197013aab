import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.views.waveform import WaveformColumns, fitting_scale


@given(cuts=st.lists(st.integers(0, 2000), max_size=8))
def test_any_blocks_give_the_same_columns(cuts):
    noise = np.random.default_rng(0).standard_normal((3, 2000)).astype(np.float32) * 0.3
    whole = WaveformColumns(3, 30, 160).feed(noise)
    columns = WaveformColumns(3, 30, 160)
    parts = [columns.feed(part) for part in np.split(noise, sorted(cuts), axis=1)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=2), whole)


def test_the_envelope_reaches_from_the_least_to_the_greatest_sample():
    signal = np.zeros((1, 160), np.float32)
    signal[0, 3], signal[0, 90] = 0.5, -0.25
    column = WaveformColumns(1, 80, 160).feed(signal)[0, :, 0]
    assert np.flatnonzero(column).tolist() == list(range(20, 50))


def test_silence_is_a_line():
    column = WaveformColumns(1, 81, 160).feed(np.zeros((1, 160), np.float32))[0, :, 0]
    assert np.flatnonzero(column).tolist() == [40]


def test_overloaded_samples_stay_inside():
    column = WaveformColumns(1, 40, 10).feed(np.array([[9.0, -9.0] * 5], np.float32))[0, :, 0]
    assert column.all()


@pytest.mark.parametrize(("peak", "scale"), [(0.0, 0.05), (0.05, 0.05), (0.3, 0.5), (0.51, 1.0), (3.0, 1.0)])
def test_the_scale_is_the_smallest_that_holds_the_peak(peak, scale):
    assert fitting_scale(peak) == scale
