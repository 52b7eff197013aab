"""Blind comparison on the live stream: the real pages, the real engine, virtual time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QWidget

from app.engine.commands import Hear
from app.ui.study.live_pages import QUIET, VOID, Fit, Measuring
from app.ui.study.pages import Message
from app.ui.study.session_window import INTERRUPTED
from app.ui.study.trial import TrialPage
from sepprune.study.results import read_result
from tests.app.conftest import speech_like
from tests.app.ui.study.live_engine import LiveListener, open_live

KEY = Qt.Key


@pytest.fixture
def start(ladder: Path, sound: Callable[..., Path], tmp_path: Path, qtbot) -> Callable[..., LiveListener]:
    opened = []

    def start_live(**settings: object) -> LiveListener:
        opened.append(open_live(ladder, sound(speech_like(3.0)), tmp_path / "results", qtbot, **settings))
        return opened[-1].listener

    yield start_live
    for one in opened:
        one.engine.separator.close() if one.engine.starts else None


@pytest.fixture
def live(start: Callable[..., LiveListener]) -> Callable[..., LiveListener]:
    """At the first question."""

    def reach(**settings: object) -> LiveListener:
        listener = start(**settings)
        listener.reach_the_first_question()
        return listener

    return reach


def finish(listener: LiveListener, key: Qt.Key = KEY.Key_Left) -> None:
    for _ in range(100):
        page = listener.window.page
        if isinstance(page, TrialPage) and not page.finished:
            listener.play_all()
            listener.press(key)
        elif listener.window.opened.complete:
            return
        listener.press(KEY.Key_Return)
    raise AssertionError("the session does not end")


def test_a_session_by_keyboard_alone_ends_with_its_result_in_words(live):
    listener = live(trials=3)
    finish(listener)
    page = listener.window.page
    assert isinstance(page, Message) and "of 3 answers were right" in page.text and "level 2 from level 0" in page.text
    result = read_result(listener.window.opened.path)
    assert result.complete and [one.choice for one in result.answers] == ["A"] * 5
    assert all(one.plays == {"A": 1, "B": 1, "X": 1} and one.seconds > 0 for one in result.answers)
    assert (result.listener, result.about["input"]) == ("me", "A microphone")
    assert len(result.facts["loudness_gains_db"]) == 3


def test_no_result_is_shown_before_the_last_answer(live):
    listener = live(trials=2)
    seen = []
    while not listener.window.opened.complete:
        page = listener.window.page
        if isinstance(page, TrialPage) and not page.finished:
            listener.play_all()
            listener.press(KEY.Key_Left)
            if not listener.window.opened.trial().training:
                seen += readable(page)
        listener.press(KEY.Key_Return)
    assert not [text for text in seen if "right" in text.lower() or "probability" in text]


def test_what_is_heard_as_x_is_what_is_heard_as_the_right_answer(live):
    listener = live(trials=3)
    right = []
    while not listener.window.opened.complete:
        page = listener.window.page
        if isinstance(page, TrialPage) and not page.finished:
            listener.engine.sent.clear()
            listener.play_all()
            a, b, x = (one.condition for one in listener.engine.sent if isinstance(one, Hear))
            assert a != b and x in (a, b)
            right.append("A" if x == a else "B")
            listener.press(KEY.Key_Left if x == a else KEY.Key_Right)
        listener.press(KEY.Key_Return)
    assert "3 of 3" in listener.window.page.text and len(right) == 5


def readable(widget: QWidget) -> list[str]:
    """Everything that a listener, a screen reader or a curious click can read."""
    found = []
    for one in [widget, *widget.findChildren(QWidget)]:
        texts = [one.objectName(), one.toolTip(), one.accessibleName(), one.accessibleDescription(), one.statusTip()]
        texts += [one.windowTitle(), one.whatsThis()]
        texts += [one.text()] if callable(getattr(one, "text", None)) else []
        found += [text for text in texts if text]
    return found


@pytest.mark.parametrize("compared", [(0, 2), (1, None)])
def test_nothing_on_the_page_tells_which_one_x_is(live, compared):
    """Pages of questions with another X, while each of the three plays, differ in the number of the question alone."""
    listener, pages = live(trials=8, compared=compared), {}
    while not listener.window.opened.complete:
        page, session = listener.window.page, listener.window.opened
        if isinstance(page, TrialPage) and not page.finished:
            trial = session.trial()
            for key in (KEY.Key_1, KEY.Key_2, KEY.Key_3):
                listener.press(key)
                listener.hear()
                if not trial.training:
                    x = session.condition("X") == session.condition("A")
                    texts = [listener.window.windowTitle()]
                    texts += [text for text in readable(page) if not text.startswith("Trial ")]
                    pages.setdefault((key, x, session.condition("A")), set()).add(tuple(texts))
            listener.press(KEY.Key_Left)
        listener.press(KEY.Key_Return)
    for key in (KEY.Key_1, KEY.Key_2, KEY.Key_3):
        shown = [texts for (pressed, *_), texts in pages.items() if pressed == key]
        assert len(shown) >= 3 and len(set.union(*shown)) == 1


def test_a_late_chunk_while_something_plays_voids_the_question(live):
    listener = live()
    before = listener.window.opened.trial().number
    listener.press(KEY.Key_1)
    listener.hear()
    listener.engine.compute_s = 0.02
    listener.hear(0.03)
    [attempt] = listener.window.opened.answers
    assert attempt.void is not None and attempt.late >= 1
    assert listener.window.page.notice.text() == INTERRUPTED
    assert listener.window.opened.trial().number == before


def test_a_late_chunk_in_silence_voids_nothing(live):
    listener = live()
    listener.engine.compute_s = 0.02
    listener.hear(0.03)
    assert listener.window.opened.answers == ()


def test_an_engine_that_ends_pauses_the_session_which_continues_after_a_new_measurement(live):
    listener = live()
    listener.engine.die()
    listener.hear()
    page = listener.window.page
    assert isinstance(page, Message) and "ended by signal 9" in page.text
    listener.press(KEY.Key_Return)
    listener.measure()
    listener.leave_measuring()
    assert isinstance(listener.window.page, TrialPage) and listener.engine.starts == 2


def test_a_session_that_was_left_continues_with_the_same_order(start, live):
    first = live(trials=3)
    first.play_all()
    first.press(KEY.Key_Left, KEY.Key_Return)
    order = read_result(first.window.opened.path).order
    first.window.close()
    second = start(trials=3, seed=99)
    page = second.window.page
    assert isinstance(page, Message) and "Continue with training 2 of 2?" in page.heading.text()
    second.press(KEY.Key_Return)
    second.measure()
    second.leave_measuring()
    assert read_result(second.window.opened.path).order == order


def test_the_last_seconds_are_held_by_a_key_and_stay_held_at_a_change(live):
    listener = live()
    listener.press(KEY.Key_1)
    listener.hear(1.0)
    listener.engine.sent.clear()
    listener.press(KEY.Key_H, KEY.Key_2, KEY.Key_H)
    assert [one.held for one in listener.engine.sent if isinstance(one, Hear)] == [True, True, False]


def test_every_question_begins_with_the_running_sound_and_in_silence(live):
    listener = live()
    listener.play_all()
    listener.press(KEY.Key_H, KEY.Key_Left, KEY.Key_Return, KEY.Key_Return)
    listener.hear(1.0)
    assert isinstance(listener.window.page, TrialPage)
    assert not listener.engine.ear.heard[:, -8000:].any()
    assert not listener.window.page.row.hold.isChecked()


def test_a_computer_that_is_too_slow_is_told_so_before_the_first_question(start):
    listener = start()
    listener.press(KEY.Key_Return, KEY.Key_Return)
    listener.engine.compute_s = 0.009
    listener.measure()
    page = listener.window.page
    assert isinstance(page, Measuring) and not page.fit.fits
    assert "they do not fit" in page.text.text() and listener.window.session is None


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (Fit(600, 0, 0.4, 8.0), "none of 600 chunks was late: they fit."),
        (Fit(600, 3, 0.4, 8.0), "other programs use the processor"),
        (Fit(600, 599, 8.5, 8.0), "lighter levels"),
    ],
)
def test_the_measurement_says_what_to_do(fit, words):
    assert words in fit.sentence and "8 ms" in fit.sentence and (VOID in fit.sentence) == bool(fit.late)


def test_silence_is_told_because_loudness_cannot_be_matched(ladder, sound, tmp_path, qtbot):
    opened = open_live(ladder, sound(0 * speech_like(3.0)), tmp_path, qtbot)
    listener = opened.listener
    listener.press(KEY.Key_Return, KEY.Key_Return)
    listener.measure()
    assert listener.window.page.notice.text() == QUIET
    opened.engine.separator.close()
