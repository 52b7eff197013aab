"""When the fallback chooses a lighter level, and when it returns."""

from __future__ import annotations

import pytest

from app.engine.events import FellBack
from app.engine.fallback import CALM_S, LONGEST_CALM_S, Fallback

CHUNK_S = 0.008


class Play:
    """A fallback that watches one chunk every 8 ms."""

    def __init__(self, level: int = 0, lightest: int = 5) -> None:
        self.fallback = Fallback(level, lightest, CHUNK_S)
        self.now = 0.0
        self.said: list[FellBack] = []

    def chunks(self, seconds: float, late_every_s: float | None = None, load: float = 0.1) -> list[int]:
        """The levels that it has chosen meanwhile."""
        before, since = len(self.said), self.now
        while self.now < since + seconds:
            passed = self.now - since
            missed = late_every_s is not None and passed % late_every_s < CHUNK_S
            if said := self.fallback.watch(missed, load * CHUNK_S, self.now):
                self.said.append(said)
            self.now += CHUNK_S
        return [said.level for said in self.said[before:]]


def test_continued_misses_lead_to_one_lighter_level_after_another() -> None:
    assert Play(lightest=3).chunks(10.0, late_every_s=0.3) == [1, 2, 3]


def test_a_single_hiccup_of_many_late_chunks_changes_nothing() -> None:
    play = Play()
    assert play.chunks(0.2, late_every_s=CHUNK_S) == [] and play.chunks(5.0) == []


def test_misses_that_are_far_apart_change_nothing() -> None:
    assert Play().chunks(60.0, late_every_s=1.5) == []


def test_a_level_is_tried_again_after_ten_seconds_without_a_miss_and_not_before() -> None:
    play = Play()
    play.chunks(0.7, late_every_s=0.3)
    assert play.chunks(CALM_S - 0.2) == [] and play.chunks(0.3) == [0]


def test_levels_are_tried_again_one_by_one_up_to_the_wanted_one() -> None:
    play = Play(level=1)
    assert play.chunks(2.0, late_every_s=0.3) == [2, 3]
    assert play.chunks(60.0) == [2, 1]


def test_no_heavier_level_is_tried_while_the_lighter_one_is_busy() -> None:
    play = Play()
    play.chunks(0.7, late_every_s=0.3)
    assert play.chunks(60.0, load=0.8) == []


def test_a_level_that_fails_again_is_tried_after_twice_the_time_up_to_a_limit() -> None:
    play, waited = Play(), []
    for _ in range(6):
        play.chunks(0.7, late_every_s=0.3)
        waited.append(play.fallback.calm_s)
        play.chunks(play.fallback.calm_s + 0.1)
    assert waited == [10.0, 20.0, 40.0, 80.0, LONGEST_CALM_S, LONGEST_CALM_S]


def test_the_wanted_level_stays_while_another_one_is_chosen() -> None:
    play = Play()
    play.chunks(0.7, late_every_s=0.3)
    assert (play.fallback.wanted, play.fallback.chosen) == (0, 1)


@pytest.mark.parametrize(("level", "words"), [(1, "level 1 in place of 0"), (0, "level 0 again")])
def test_each_step_has_a_sentence(level: int, words: str) -> None:
    play = Play()
    play.chunks(0.7, late_every_s=0.3)
    play.chunks(11.0)
    [said] = [one for one in play.said if one.level == level]
    assert words in said.message and said.wanted == 0
