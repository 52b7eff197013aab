import numpy as np
import pytest

from app.engine.input_hint import LOWEST_DB
from app.ui.views.meter import FALL_DB_PER_S, HOLD_S, Level, caption


def test_a_level_rises_at_once():
    level = Level()
    level.feed(np.array([0.1, -0.5], np.float32), 0.03)
    assert level.db == level.peak_db == pytest.approx(-6.02, abs=0.01)


def test_a_level_falls_steadily_and_its_peak_is_held():
    level = Level()
    level.feed(np.ones(4, np.float32), 0.03)
    level.feed(np.zeros(4, np.float32), 1.0)
    assert (level.db, level.peak_db) == (pytest.approx(-FALL_DB_PER_S), 0.0)


def test_a_peak_is_let_go_after_a_while():
    level = Level()
    level.feed(np.ones(4, np.float32), 0.03)
    level.feed(np.zeros(0, np.float32), HOLD_S + 0.1)
    assert level.peak_db < 0


def test_silence_comes_to_rest():
    level = Level()
    level.feed(np.ones(4, np.float32), 0.03)
    for _ in range(100):
        level.feed(np.zeros(4, np.float32), 0.1)
    assert level.resting and level.db == LOWEST_DB


@pytest.mark.parametrize(
    ("voice_db", "mixture_db", "shown"),
    [
        (-62.0, -46.0, "−62 dB"),  # a quiet microphone: both voices are there
        (-70.0, -10.0, "silent"),  # what remains in a voice that does not speak
        (-46.0, -46.0, "−46 dB"),
        (-76.0, -76.0, "silent"),
        (LOWEST_DB, -74.0, "silent"),
    ],
)
def test_a_voice_is_silent_far_below_its_mixture_or_in_a_silent_mixture(
    voice_db: float, mixture_db: float, shown: str
) -> None:
    assert caption(voice_db, mixture_db) == shown


def test_a_level_below_the_bar_is_still_measured() -> None:
    level = Level()
    level.feed(np.full(4, 10 ** (-62 / 20), np.float32), 0.03)
    assert level.db == pytest.approx(-62, abs=0.01) and level.resting


def test_full_scale_is_no_negative_zero() -> None:
    assert caption(-0.3, -0.3) == "0 dB"
