"""The engine goes to a lighter level and back by itself, where that was asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.engine.events import FellBack, LevelChanged
from tests.app.conftest import speech_like
from tests.app.engine.rig import Rig


def test_repeated_misses_give_up_a_level_and_ten_calm_seconds_win_it_back(rig: Callable[..., Rig]) -> None:
    one = rig(
        np.tile(speech_like(1.0), 14), seconds=lambda step: 0.020 if step in (50, 100, 150) else 0.001, fallback=True
    )
    one.engine.run()
    moves = [(event.level, event.wanted) for event in one.events if isinstance(event, FellBack)]
    heard = [event.level for event in one.events if isinstance(event, LevelChanged)]
    assert (moves, heard) == ([(1, 0), (0, 0)], [1, 0])
    assert (one.count("fallbacks"), one.count("recoveries"), one.separator.level) == (1, 1, 0)


def test_without_the_fallback_no_miss_changes_the_level(rig: Callable[..., Rig]) -> None:
    one = rig(np.tile(speech_like(1.0), 4), seconds=lambda step: 0.020 if step % 50 == 49 else 0.001)
    one.engine.run()
    assert one.count("deadline_misses") > 10 and one.count("switches") == 0


def test_switching_the_fallback_off_goes_back_to_the_level_asked_for(rig: Callable[..., Rig]) -> None:
    one = rig(
        np.tile(speech_like(1.0), 4), seconds=lambda step: 0.020 if step in (50, 100, 150) else 0.001, fallback=True
    )
    one.engine.run(seconds=2.0)
    lighter = one.separator.level
    one.engine.set_fallback(False)
    one.engine.run()
    assert (lighter, one.separator.level) == (1, 0)
