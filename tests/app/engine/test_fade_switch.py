"""A change of what is heard: the same fade, whatever it leads to."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.fade_switch import FadeSwitch, Heard
from app.engine.playback import FADE_S, raised_cosine

RATE, CHUNK = 16_000, 128
FADE = round(FADE_S * RATE)


def gains(switch: FadeSwitch, chunks: int, chunk: int = CHUNK) -> tuple[np.ndarray, list[int | None]]:
    """Gain of every sample, and the condition that it belongs to."""
    found, conditions = [], list[int | None]()
    for _ in range(chunks):
        for heard, where, gain in switch.parts(chunk):
            count = where.stop - where.start
            found.append(np.ones(count) if gain is None else gain)
            conditions += [heard.condition] * count
    return np.concatenate(found), conditions


def playing(condition: int) -> FadeSwitch:
    switch = FadeSwitch(RATE)
    switch.ask(Heard(condition))
    gains(switch, 2)
    return switch


@pytest.mark.parametrize("chunk", [16, 128, 512])
@pytest.mark.parametrize("to", [0, 1])
def test_every_change_fades_out_and_in_within_ten_milliseconds(to: int, chunk: int) -> None:
    switch = playing(0)
    switch.ask(Heard(to))
    found, conditions = gains(switch, 1024 // chunk, chunk)
    rise = raised_cosine(FADE)
    np.testing.assert_allclose(found[: 2 * FADE], [*rise[::-1], *rise])
    assert np.all(found[2 * FADE :] == 1)
    assert conditions == [0] * FADE + [to] * (1024 - FADE)


def test_the_last_of_several_changes_counts_and_continues_the_fade_that_runs() -> None:
    switch = playing(0)
    switch.ask(Heard(1))
    gains(switch, 1, FADE // 2)
    switch.ask(Heard(0))
    found, conditions = gains(switch, 1, 4 * FADE)
    assert conditions[: FADE // 2 + 1] == [0] * (FADE // 2 + 1)
    assert np.abs(np.diff(found)).max() < 0.03  # no step: a raised cosine of 80 samples has none above 0.02


def test_silence_is_left_without_a_delay() -> None:
    switch = FadeSwitch(RATE)
    switch.ask(Heard(1))
    found, conditions = gains(switch, 1)
    np.testing.assert_allclose(found[:FADE], raised_cosine(FADE))
    assert set(conditions) == {1}
