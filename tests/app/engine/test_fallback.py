"""When a level is given up, and when it is won back."""

from __future__ import annotations

import pytest

from app.engine.events import FellBack
from app.engine.fallback import CALM_S, LONGEST_CALM_S, Fallback

CHUNK_S = 0.008


class Play:
    """Chunks that go through a fallback, one every 8 ms."""

    def __init__(self, level: int = 0, lightest: int = 5) -> None:
        self.fallback = Fallback(level, lightest, CHUNK_S)
        self.now = 0.0
        self.said: list[FellBack] = []

    def chunks(self, seconds: float, late_every_s: float | None = None, load: float = 0.1) -> list[int]:
        """The levels that it went to meanwhile."""
        before, since = len(self.said), self.now
        while self.now < since + seconds:
            passed = self.now - since
            missed = late_every_s is not None and passed % late_every_s < CHUNK_S
            if said := self.fallback.watch(missed, load * CHUNK_S, self.now):
                self.said.append(said)
            self.now += CHUNK_S
        return [said.level for said in self.said[before:]]


def test_misses_that_go_on_give_up_one_level_after_another() -> None:
    assert Play(lightest=3).chunks(10.0, late_every_s=0.3) == [1, 2, 3]


def test_a_single_hiccup_of_many_late_chunks_changes_nothing() -> None:
    play = Play()
    assert play.chunks(0.2, late_every_s=CHUNK_S) == [] and play.chunks(5.0) == []


def test_misses_that_are_far_apart_change_nothing() -> None:
    assert Play().chunks(60.0, late_every_s=1.5) == []


def test_a_level_is_won_back_after_ten_calm_seconds_and_not_before() -> None:
    play = Play()
    play.chunks(0.7, late_every_s=0.3)
    assert play.chunks(CALM_S - 0.2) == [] and play.chunks(0.3) == [0]


def test_levels_are_won_back_one_by_one_and_no_further_than_asked_for() -> None:
    play = Play(level=1)
    assert play.chunks(2.0, late_every_s=0.3) == [2, 3]
    assert play.chunks(60.0) == [2, 1]


def test_calm_is_not_enough_while_the_lighter_level_is_busy() -> None:
    play = Play()
    play.chunks(0.7, late_every_s=0.3)
    assert play.chunks(60.0, load=0.8) == []


def test_a_level_that_was_won_back_too_early_is_tried_later_and_later() -> None:
    play, waited = Play(), []
    for _ in range(6):
        play.chunks(0.7, late_every_s=0.3)
        waited.append(play.fallback.calm_s)
        play.chunks(play.fallback.calm_s + 0.1)
    assert waited == [10.0, 20.0, 40.0, 80.0, LONGEST_CALM_S, LONGEST_CALM_S]


def test_another_level_asked_for_starts_anew() -> None:
    play = Play()
    play.chunks(0.7, late_every_s=0.3)
    play.fallback.ask(4)
    assert play.chunks(60.0) == [] and play.fallback.wanted == 4


@pytest.mark.parametrize(("level", "words"), [(1, "level 1 in place of 0"), (0, "level 0 again")])
def test_each_step_is_said_in_words(level: int, words: str) -> None:
    play = Play()
    play.chunks(0.7, late_every_s=0.3)
    play.chunks(11.0)
    [said] = [one for one in play.said if one.level == level]
    assert words in said.message and said.wanted == 0
