import numpy as np
import pytest

from app.ui.views.meter import FALL_DB_PER_S, FLOOR_DB, HOLD_S, Level


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
    assert level.silent and level.db == FLOOR_DB
