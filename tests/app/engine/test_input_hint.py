"""The hint beside the meter: right, and calm."""

from __future__ import annotations

import numpy as np

from app.engine.input_hint import CLIPPED, QUIET_S, STAY_S, TOO_QUIET, InputHint

TICK_S = 1 / 30


def fed(hint: InputHint, levels_db: list[float]) -> list[str]:
    """What the hint says after each tick."""
    said = []
    for level_db in levels_db:
        hint.feed(level_db, TICK_S)
        said.append(hint.text)
    return said


def changes(said: list[str]) -> int:
    return sum(one != other for one, other in zip(said, said[1:], strict=False))


def ticks(seconds: float) -> int:
    return round(seconds / TICK_S)


def test_a_quiet_input_is_told_after_two_seconds() -> None:
    said = fed(InputHint(), [-46.0] * ticks(QUIET_S + 1))
    assert said[ticks(QUIET_S) - 3] == "" and said[-1] == TOO_QUIET


def test_a_clipped_sample_is_told_at_once_and_for_some_seconds() -> None:
    said = fed(InputHint(), [-10.0, 0.0] + [-10.0] * ticks(STAY_S + 1))
    assert said[1] == CLIPPED and said[1 + ticks(STAY_S) - 2] == CLIPPED and said[-1] == ""


def test_a_normal_input_and_a_silent_one_are_not_told() -> None:
    assert set(fed(InputHint(), [-20.0] * 300)) == set(fed(InputHint(), [-90.0] * 300)) == {""}


def test_pauses_between_words_are_no_quiet_input() -> None:
    speech = ([-15.0] * ticks(1) + [-70.0] * ticks(4)) * 6
    assert set(fed(InputHint(), speech)) == {""}


def test_levels_around_the_limit_do_not_flicker() -> None:
    levels = -40 + 2 * np.random.default_rng(0).standard_normal(ticks(60))
    assert changes(fed(InputHint(), levels.tolist())) <= 2


def test_levels_around_silence_do_not_flicker() -> None:
    levels = -76 + 3 * np.random.default_rng(0).standard_normal(ticks(60))
    assert changes(fed(InputHint(), levels.tolist())) <= 2


def test_clipping_now_and_then_does_not_flicker() -> None:
    said = fed(InputHint(), ([0.0] + [-12.0] * ticks(1.5)) * 20)
    assert changes(said) == 0


def test_another_input_begins_without_a_hint() -> None:
    hint = InputHint()
    fed(hint, [0.0])
    hint.reset()
    assert hint.text == hint.remedy == ""
