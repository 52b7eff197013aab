from __future__ import annotations

import numpy as np
import pytest

from sepprune import perception
from sepprune.errors import UserError
from sepprune.evaluation import score
from sepprune.resources import asset
from sepprune.streaming.files import read_mono


@pytest.fixture(scope="module")
def voices() -> np.ndarray:
    return np.stack([read_mono(asset(f"demo/voice{number}.flac"), 16_000)[0] for number in (1, 2)])


def test_a_voice_is_as_intelligible_as_itself_and_less_so_in_noise(voices: np.ndarray) -> None:
    noise = 0.3 * voices.std() * np.random.default_rng(0).standard_normal(voices.shape).astype(np.float32)
    clean, noisy = (perception.perceived("estoi", estimates, voices, 16_000) for estimates in (voices, voices + noise))
    assert clean == pytest.approx(1.0, abs=1e-3) and noisy < 0.9


def test_extras_follow_the_order_of_the_best_si_sdr(voices: np.ndarray) -> None:
    scores = score(voices[::-1].copy(), voices, voices.sum(axis=0), 16_000, ["estoi"])
    assert scores["estoi"] == pytest.approx(1.0, abs=1e-3)


def test_an_unknown_extra_is_answered_with_those_that_exist() -> None:
    with pytest.raises(UserError, match="no score is called 'mos': choose from estoi, pesq"):
        perception.check(["mos"])


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(perception.PACKAGES, "estoi", "no_such_package")
    with pytest.raises(UserError, match="estoi needs the package no_such_package"):
        perception.check(["estoi"])


def test_quality_is_not_defined_at_other_rates(voices: np.ndarray) -> None:
    with pytest.raises(UserError, match="pesq is defined at 16000 Hz, not at 8000 Hz"):
        perception.perceived("pesq", voices, voices, 8_000)
