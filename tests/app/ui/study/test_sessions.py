"""Complete sessions by keyboard alone, through the real pages."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import Qt

from app.ui.study.trial import TrialPage
from sepprune.study.analysis import threshold_of
from sepprune.study.design import ABX, MUSHRA, PREFERENCE, RATING, THRESHOLD
from sepprune.study.listeners import GUESS, Simulated
from sepprune.study.methods import TRAINING, method_named
from sepprune.study.outcomes import by_listener
from sepprune.study.results import read_result
from sepprune.study.session import Trial, draw_order
from tests.app.ui.study.listener import DIGITS, Listener

KEY = Qt.Key


def stored(listener: Listener):
    session = listener.window.session
    assert session is not None and session.complete
    result = read_result(session.path)
    assert result.complete
    return result


def test_an_abx_session_by_keyboard_stores_what_was_pressed(opened):
    listener, pressed = opened(ABX, trials=2), []

    def answer(page: TrialPage, trial: Trial) -> None:
        listener.play_all(trial)
        key = (KEY.Key_Left, KEY.Key_Right)[len(pressed) % 2]
        listener.press(key)
        pressed.append("AB"[len(pressed) % 2])
        listener.press(KEY.Key_Return)

    listener.run(answer)
    result = stored(listener)
    assert [one.choice for one in result.answers] == pressed
    assert all(one.plays == {"A": 1, "B": 1, "X": 1} and one.seconds > 0 for one in result.answers)
    assert result.listener == "L1"
    assert result.about["output_device"] == "Virtual headphones"


def test_a_preference_session_by_keyboard_has_all_three_answers(opened):
    listener, pressed = opened(PREFERENCE, trials=2), []
    keys = {"A": KEY.Key_Left, "none": KEY.Key_Down, "B": KEY.Key_Right}

    def answer(page: TrialPage, trial: Trial) -> None:
        listener.play_all(trial)
        choice = list(keys)[len(pressed) % 3]
        pressed.append(choice)
        listener.press(keys[choice], KEY.Key_Return)

    listener.run(answer)
    assert [one.choice for one in stored(listener).answers] == pressed


def test_a_rating_session_by_keyboard_stores_the_category(opened):
    listener, pressed = opened(RATING, levels=(0, 2), items=5), []

    def answer(page: TrialPage, trial: Trial) -> None:
        listener.play_all(trial)
        steps = 1 + len(pressed) % 5
        pressed.append(str(6 - steps))
        listener.press(*[KEY.Key_Down] * steps, KEY.Key_Return)

    listener.run(answer)
    assert [one.choice for one in stored(listener).answers] == pressed


def test_a_mushra_session_by_keyboard_stores_every_score(opened):
    listener = opened(MUSHRA, levels=(0, 2), items=5)

    def answer(page: TrialPage, trial: Trial) -> None:
        listener.press(KEY.Key_R)
        listener.hear()
        for place, _ in enumerate(trial.scored):
            listener.press(DIGITS[place])
            listener.hear()
            listener.press(*[KEY.Key_PageUp] * place, KEY.Key_Up, KEY.Key_Up, KEY.Key_Down)
        listener.press(KEY.Key_Return)

    listener.run(answer)
    wanted = {label: 10 * place + 1 for place, label in enumerate("ABCDE")}
    assert [one.scores for one in stored(listener).answers] == [wanted] * 6


def simulated(listener: Listener, kind: Simulated, seed: int) -> object:
    """A threshold session whose answers a simulated listener gives through the pages; returns the estimate."""
    window = listener.window
    study, rng = window.study, np.random.default_rng(seed)
    order, method = draw_order(study, 3), method_named(study.design.method)

    def answer(page: TrialPage, trial: Trial) -> None:
        assert window.session is not None
        asked = method.following(study.design, order, window.session.answers)
        assert asked is not None and (asked.question.phase == TRAINING) == trial.training
        listener.play_all(trial)
        choice = kind.answer(study.design, method, asked, 0.0, rng).choice
        listener.press(KEY.Key_Left if choice == "A" else KEY.Key_Right, KEY.Key_Return)

    listener.run(answer)
    return threshold_of(by_listener([stored(listener)])[0])


@pytest.mark.parametrize("threshold", [2.5, 4.5])
def test_a_simulated_listener_ends_at_its_threshold(opened, threshold):
    listener = opened(THRESHOLD, levels=tuple(range(8)))
    found = simulated(listener, Simulated("threshold", threshold), seed=1)
    assert abs(found.median - threshold) <= 1
    assert found.low <= threshold <= found.high


def test_a_guesser_ends_at_hears_no_difference(opened):
    assert simulated(opened(THRESHOLD, levels=tuple(range(8))), Simulated(GUESS), seed=2).hears_none
