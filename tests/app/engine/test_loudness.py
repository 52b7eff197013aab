"""Loudness of live sound, against the library that studies use."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest

from app.engine.loudness import loudness, matching_gains
from tests.app.conftest import speech_like


@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize("width", [1, 9, 40])
def test_loudness_is_that_of_bs1770(rate: int, width: int) -> None:
    """White and coloured noise without pauses, so that gating changes nothing."""
    noise = np.convolve(np.random.default_rng(width).standard_normal(5 * rate), np.hanning(width + 2), "same")
    found = loudness((0.1 * noise[None]).astype(np.float32), rate)
    assert found == pytest.approx(pyloudnorm.Meter(rate).integrated_loudness(0.1 * noise), abs=0.2)


def test_a_difference_of_two_sounds_with_pauses_is_that_of_bs1770() -> None:
    speech = speech_like(5.0)
    other = np.convolve(speech, [0.5, 0.3], "same")
    meter = pyloudnorm.Meter(16_000)
    wanted = meter.integrated_loudness(speech) - meter.integrated_loudness(other)
    assert loudness(speech[None], 16_000) - loudness(other[None], 16_000) == pytest.approx(wanted, abs=0.1)


def test_silence_has_no_loudness() -> None:
    assert loudness(np.zeros((2, 16_000), np.float32), 16_000) == -math.inf


def test_the_softest_sound_stays_and_the_others_become_as_soft() -> None:
    assert matching_gains([-20.0, -21.5, -18.0]) == (-1.5, 0.0, -3.5)


def test_silence_cannot_be_matched() -> None:
    assert matching_gains([-20.0, -math.inf]) is None
