"""Samples beyond full scale are limited, counted and told; others pass as they are."""

from __future__ import annotations

import numpy as np
import pytest

from sepprune.errors import UserError
from sepprune.full_scale import FullScale
from sepprune.study.sound import samples_of, wave_bytes


def test_samples_within_full_scale_are_not_touched() -> None:
    limit, samples = FullScale(), np.array([[-1.0, 0.5], [1.0, 0.0]], np.float32)
    assert limit(samples) is samples and limit.note("a", "b") is None


def test_what_was_limited_is_counted_over_all_blocks() -> None:
    limit = FullScale()
    for block in ([0.0, 1.1], [-4.0, 2.0], [0.1, 0.2]):
        assert np.abs(limit(np.array(block, np.float32))).max() <= 1.0
    assert (limit.clipped, limit.peak) == (3, 4.0)
    assert limit.note("talk.flac", "use WAV") == (
        "3 samples of talk.flac are clipped: the largest was 12.0 dB beyond full scale; use WAV"
    )


def test_nothing_is_no_peak() -> None:
    assert FullScale()(np.zeros(0, np.float32)).shape == (0,)


def test_a_stimulus_beyond_full_scale_is_refused_and_one_at_full_scale_is_kept() -> None:
    whole = np.array([1.0, -1.0, 0.25], np.float32)
    np.testing.assert_allclose(samples_of(wave_bytes(whole, 16_000), "it")[0], whole, atol=2**-15)
    with pytest.raises(UserError, match=r"^1 sample of a stimulus is clipped: the largest was 0.1 dB beyond"):
        wave_bytes(np.array([0.0, 1.01], np.float32), 16_000)
