"""Fades, loops and switches, sample by sample."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.playback import FADE_S, Playback, Wanted

RATE = 16_000
FADE = round(FADE_S * RATE)
RISE = 0.5 - 0.5 * np.cos(np.pi * (np.arange(FADE) + 0.5) / FADE)


def constant(value: float, samples: int = 8000) -> np.ndarray:
    return np.full(samples, value, np.float32)


def ramp(samples: int = 8000) -> np.ndarray:
    return np.arange(1, samples + 1, dtype=np.float32)


def playing(*sounds: np.ndarray, number: int = 0, restart: bool = False) -> tuple[Playback, Wanted]:
    playback = Playback(RATE)
    wanted = Wanted(sounds, number, (0, len(sounds[0])), restart)
    playback.switch(wanted)
    return playback, wanted


def again(wanted: Wanted, number: int | None) -> Wanted:
    return Wanted(wanted.sounds, number, wanted.loop, wanted.restart)


def test_sound_starts_and_ends_with_a_raised_cosine_of_5_ms():
    playback, wanted = playing(constant(1.0))
    start = playback.render(1000)
    playback.switch(again(wanted, None))
    end = playback.render(1000)
    assert start[:FADE] == pytest.approx(RISE, abs=1e-6)
    assert np.all(start[FADE:] == 1)
    assert end[:FADE] == pytest.approx(RISE[::-1], abs=1e-6)
    assert not end[FADE:].any()


@pytest.mark.parametrize("block", [1, 7, 160, 4096])
def test_a_switch_sounds_the_same_onto_the_same_sound_and_onto_an_equal_one(block):
    def switched(to: int) -> np.ndarray:
        playback, wanted = playing(constant(1.0), constant(1.0))
        for _ in range(-(-1000 // block)):
            playback.render(block)
        playback.switch(again(wanted, to))
        return np.concatenate([playback.render(block) for _ in range(-(-1000 // block))])

    same, other = switched(0), switched(1)
    assert np.array_equal(same, other)
    assert same[:FADE] == pytest.approx(RISE[::-1], abs=1e-6)
    assert same[FADE : 2 * FADE] == pytest.approx(RISE, abs=1e-6)


def test_the_position_stays_at_a_switch():
    playback, wanted = playing(ramp(), ramp())
    playback.render(1000)
    playback.switch(again(wanted, 1))
    assert playback.render(1000)[2 * FADE] == 1000 + 2 * FADE + 1


def test_the_position_is_that_of_the_passage_start_where_restarting_is_set():
    playback, wanted = playing(ramp(), ramp(), restart=True)
    playback.render(1000)
    playback.switch(again(wanted, 1))
    assert playback.render(1000)[2 * FADE] == FADE + 1


def test_a_loop_repeats_after_exactly_its_length_with_fades_at_both_ends():
    playback = Playback(RATE)
    playback.switch(Wanted((constant(1.0),), 0, (3000, 4000)))
    heard = playback.render(5000)
    assert np.array_equal(heard[1000:2000], heard[3000:4000])
    assert heard[2000 - FADE : 2000 + FADE] == pytest.approx([*RISE[::-1], *RISE], abs=1e-6)
    assert heard[2000 + FADE : 3000 - FADE] == pytest.approx(1)


def test_a_new_passage_that_holds_the_position_does_not_move_it():
    playback, wanted = playing(ramp())
    playback.render(1000)
    playback.switch(Wanted(wanted.sounds, 0, (500, 8000)))
    assert playback.render(1000)[2 * FADE] == 1000 + 2 * FADE + 1


def test_no_switch_at_any_moment_makes_a_step():
    chance = np.random.default_rng(0)
    playback, wanted = playing(constant(1.0, 900), constant(1.0, 900))
    heard = []
    for _ in range(300):
        heard.append(playback.render(int(chance.integers(1, 300))))
        playback.switch(again(wanted, (None, 0, 1)[chance.integers(3)]))
    steepest = np.abs(np.diff(RISE)).max()
    assert np.abs(np.diff(np.concatenate(heard))).max() <= steepest + 1e-6


def test_the_latest_of_two_requests_within_a_block_counts():
    playback, wanted = playing(constant(1.0), constant(0.5), constant(0.25))
    playback.render(1000)
    playback.switch(again(wanted, 1))
    playback.switch(again(wanted, 2))
    assert playback.render(1000)[-1] == 0.25
    assert playback.heard()[1] == 0


def test_what_was_heard_is_counted_by_sound_over_all_loops():
    playback, wanted = playing(constant(1.0, 100), constant(1.0, 100))
    playback.render(250)
    playback.switch(again(wanted, 1))
    playback.render(FADE + 30)
    assert playback.heard() == (250 + FADE, 30)


def test_a_change_of_gain_is_a_ramp():
    playback, _ = playing(constant(1.0))
    playback.render(1000)
    playback.gain = 0.5
    changing, after = playback.render(160), playback.render(160)
    assert np.abs(np.diff(changing)).max() < 0.01
    assert np.all(after == 0.5)


def test_new_sounds_begin_at_their_start_and_count_anew():
    playback, _ = playing(ramp())
    playback.render(1000)
    playback.switch(Wanted((ramp(500),), 0, (0, 500)))
    assert playback.heard() == (0,)
    assert playback.render(300)[2 * FADE] == FADE + 1


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted((constant(1, 10), constant(1, 11)), 0, (0, 10)),
        Wanted((constant(1, 10),), 0, (0, 11)),
        Wanted((constant(1, 10),), 1, (0, 10)),
        Wanted((constant(1, 10),), 0, (5, 5)),
    ],
)
def test_sounds_that_cannot_be_looped_are_refused(wanted):
    with pytest.raises(ValueError, match="cannot be looped|there is no sound"):
        Playback(RATE).switch(wanted)


def test_two_channels_play_sounds_of_one_and_of_two():
    playback = Playback(RATE, channels=2)
    mono, stereo = constant(1.0), np.stack([constant(1.0), constant(-0.5)], axis=1)
    for sounds, sides in (((mono,), (1.0, 1.0)), ((stereo,), (1.0, -0.5))):
        playback.switch(Wanted(sounds, 0, (0, 8000)))
        block = playback.render(1000)
        assert block.shape == (1000, 2)
        assert block[2 * FADE :] == pytest.approx(np.tile(sides, (1000 - 2 * FADE, 1)))
