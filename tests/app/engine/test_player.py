"""What a player keeps about the samples of a question."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.clock import VirtualClock
from app.engine.player import HEARD_S, Player
from app.engine.speaker import Render

RATE = 16_000


class Speaker:
    """Plays in virtual time."""

    name, late, stopped = "Virtual headphones", 0, False

    def __init__(self, render: Render) -> None:
        self.render, self.closed = render, False

    def hear(self, seconds: float) -> np.ndarray:
        return self.render(round(seconds * RATE))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def speakers() -> list[Speaker]:
    return []


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def player(speakers, clock) -> Player:
    def open_speaker(render: Render) -> Speaker:
        speakers.append(Speaker(render))
        return speakers[-1]

    player = Player(RATE, open_speaker, clock.now)
    player.load({"A": np.ones(RATE, np.float32), "B": np.full(RATE, 0.5, np.float32)})
    return player


def test_a_sample_counts_as_played_once_enough_of_it_was_rendered(player, speakers):
    player.play("A")
    speakers[0].hear(0.9 * HEARD_S)
    before = player.plays
    speakers[0].hear(0.2 * HEARD_S)
    assert (before, player.plays) == ({"A": 0, "B": 0}, {"A": 1, "B": 0})


def test_every_request_counts_also_for_the_sample_that_plays(player, speakers):
    for label in ("A", "A", "B"):
        player.play(label)
        speakers[0].hear(HEARD_S + 0.1)
    assert player.plays == {"A": 2, "B": 1}


def test_gaps_count_while_a_sample_plays_and_not_in_silence(player, speakers):
    speakers[0].late = 3
    player.watch()
    silent = player.late
    player.play("A")
    speakers[0].late = 5
    player.watch()
    assert (silent, player.late) == (0, 2)


def test_a_gap_just_before_a_switch_or_a_stop_counts(player, speakers):
    player.play("A")
    speakers[0].late = 1
    player.play("B")
    speakers[0].late = 3
    player.stop()
    assert player.late == 3


def test_loading_a_question_forgets_the_last_one(player, speakers, clock):
    player.play("A")
    speakers[0].hear(0.5)
    speakers[0].late = 1
    player.watch()
    player.load({"A": np.zeros(RATE, np.float32)})
    assert (player.playing, player.plays, player.late, player.seconds) == (None, {"A": 0}, 0, 0.0)


def test_time_runs_from_the_first_sound(player, clock):
    clock.advance(5)
    player.play("A")
    clock.advance(2)
    player.play("B")
    clock.advance(1)
    assert player.seconds == 3


@pytest.mark.parametrize(
    ("asked", "found"),
    [((0.2, 0.9), (0.2, 0.9)), ((0.2, 0.3), (0.2, 0.7)), ((0.9, 1.0), (0.5, 1.0)), ((0.6, 0.1), (0.5, 1.0))],
)
def test_a_passage_has_half_a_second_at_least_within_the_sample(player, asked, found):
    player.set_loop(*asked)
    assert player.loop == pytest.approx(found)


def test_the_gain_applies_to_every_sample(player, speakers):
    player.set_gain(-20)
    player.play("B")
    speakers[0].hear(0.1)
    assert speakers[0].hear(0.1)[-1] == pytest.approx(0.05)


def test_a_device_that_is_opened_again_plays_the_same_samples(player, speakers):
    player.play("A")
    player.reopen()
    assert speakers[0].closed
    assert speakers[1].hear(0.1)[-1] == 1
