"""Complete sessions by keyboard alone, through the real pages."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt

from app.ui.study.trial import TrialPage
from sepprune.study.design import ABX, MUSHRA, PREFERENCE, RATING, THRESHOLD
from sepprune.study.listeners import GUESS, Simulated
from sepprune.study.results import read_result
from sepprune.study.session import Trial
from tests.app.ui.study.listener import DIGITS, Listener
from tests.app.ui.study.thresholds import LEVELS, threshold_session

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
    assert (result.about["output_device"], result.about["attenuation_db"]) == ("Virtual headphones", "12")


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


@pytest.mark.parametrize("threshold", [2.5, 4.5])
def test_a_simulated_listener_ends_at_its_threshold(opened, threshold):
    listener = opened(THRESHOLD, levels=LEVELS)
    found = threshold_session(listener, Simulated("threshold", threshold), 3, seed=1)
    assert abs(found.median - threshold) <= 1
    assert found.low <= threshold <= found.high


def test_a_guesser_ends_at_hears_no_difference(opened):
    assert threshold_session(opened(THRESHOLD, levels=LEVELS), Simulated(GUESS), 3, seed=2).hears_none
