"""The engine switches to a lighter level and back by itself, where the fallback is on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.engine.events import FellBack, LevelChanged
from tests.app.conftest import speech_like
from tests.app.engine.rig import Rig


def test_repeated_misses_lead_to_a_lighter_level_and_ten_seconds_without_one_lead_back(rig: Callable[..., Rig]) -> None:
    one = rig(
        np.tile(speech_like(1.0), 14), seconds=lambda step: 0.020 if step in (50, 100, 150) else 0.001, fallback=True
    )
    one.engine.run()
    moves = [(event.level, event.wanted) for event in one.events if isinstance(event, FellBack)]
    heard = [(event.level, event.wanted) for event in one.events if isinstance(event, LevelChanged)]
    assert (moves, heard) == ([(1, 0), (0, 0)], [(1, 0), (0, 0)])
    assert (one.count("fallbacks"), one.count("recoveries"), one.separator.level) == (1, 1, 0)


def test_without_the_fallback_no_miss_changes_the_level(rig: Callable[..., Rig]) -> None:
    one = rig(np.tile(speech_like(1.0), 4), seconds=lambda step: 0.020 if step % 50 == 49 else 0.001)
    one.engine.run()
    assert one.count("deadline_misses") > 10 and one.count("switches") == 0


def test_switching_the_fallback_off_returns_to_the_wanted_level(rig: Callable[..., Rig]) -> None:
    one = rig(
        np.tile(speech_like(1.0), 4), seconds=lambda step: 0.020 if step in (50, 100, 150) else 0.001, fallback=True
    )
    one.engine.run(seconds=2.0)
    lighter = one.separator.level
    one.change(fallback=False)
    one.engine.run()
    assert (lighter, one.separator.level) == (1, 0)


def fallen(rig: Callable[..., Rig]) -> Rig:
    """An engine whose fallback has chosen level 1 in place of 0."""
    one = rig(
        np.tile(speech_like(1.0), 4), seconds=lambda step: 0.020 if step in (50, 100, 150) else 0.001, fallback=True
    )
    one.engine.run(seconds=2.0)
    assert (one.separator.level, one.engine.controls.level) == (1, 0)
    return one


def test_the_level_of_the_fallback_does_not_change_the_controls_and_survives_other_changes(
    rig: Callable[..., Rig],
) -> None:
    one = fallen(rig)
    one.change(gain_db=-6.0, mute=True)
    one.engine.run()
    assert (one.separator.level, one.engine.controls.level) == (1, 0)


def test_the_wanted_level_can_be_retried_at_once(rig: Callable[..., Rig]) -> None:
    one = fallen(rig)
    one.engine.retry_wanted_level()
    one.engine.run(seconds=0.5)
    last = [event for event in one.events if isinstance(event, LevelChanged)][-1]
    assert (one.separator.level, last.level, last.wanted) == (0, 0, 0)


def test_another_wanted_level_replaces_the_level_of_the_fallback(rig: Callable[..., Rig]) -> None:
    one = fallen(rig)
    one.change(level=2)
    one.engine.run()
    assert one.separator.level == 2


def test_the_fallback_can_be_switched_on_while_the_engine_runs(rig: Callable[..., Rig]) -> None:
    one = rig(np.tile(speech_like(1.0), 4), seconds=lambda step: 0.020 if step in (150, 200, 250) else 0.001)
    one.engine.run(seconds=1.0)
    one.change(fallback=True)
    one.engine.run(seconds=1.5)
    assert one.separator.level == 1
