"""Single pages: what they allow, what they refuse, and that nothing readable tells the order."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QPushButton, QSlider, QWidget

from app.ui.study.pages import Message, Questionnaire, Volume
from app.ui.study.trial import TrialPage
from sepprune.study.design import ABX, MUSHRA, PREFERENCE, RATING, THRESHOLD
from tests.app.ui.study.listener import DIGITS

KEY = Qt.Key


def readable(window: QWidget) -> list[str]:
    """Everything that a screen reader, a tooltip or a debugger can show of a window."""
    found = []
    for widget in [window, *window.findChildren(QWidget)]:
        words = [widget.objectName(), widget.accessibleName(), widget.accessibleDescription(), widget.toolTip()]
        words += [widget.windowTitle(), widget.statusTip(), widget.whatsThis()]
        properties = [widget.property(bytes(name).decode()) for name in widget.dynamicPropertyNames()]
        words += [value for value in properties if isinstance(value, str)]
        text = getattr(widget, "text", None)
        found += [*words, text() if callable(text) else ""]
    return found


def tab_order(page: QWidget) -> list[str]:
    found, widget = [], page.nextInFocusChain()
    while widget is not None and widget is not page:
        if isinstance(widget, QPushButton | QSlider) and page.isAncestorOf(widget):
            found.append(widget.accessibleName() or (widget.text() if isinstance(widget, QPushButton) else ""))
        widget = widget.nextInFocusChain()
    return found


@pytest.mark.parametrize("method", [ABX, THRESHOLD, PREFERENCE, MUSHRA, RATING])
def test_nothing_readable_and_no_tab_order_depends_on_what_is_behind_the_labels(opened, method):
    shown = []
    for seed in range(4):
        listener = opened(method, seed=seed, name=f"study-{seed}", levels=(0, 2, 4, 6))
        page = listener.window.page
        shown.append((readable(listener.window), tab_order(page)))
        study = listener.window.study
        secrets = {one.name for one in (*study.design.conditions, *study.design.items)} - {"reference"}
        words = " ".join(shown[-1][0]).lower()
        assert not [secret for secret in (*secrets, *study.hashes) if secret in words]
    if method != RATING:  # which question comes first is drawn, and shown
        assert all(one == shown[0] for one in shown)


def test_samples_and_scores_are_real_buttons_and_sliders_named_by_label(opened):
    page = opened(MUSHRA, levels=(0, 2)).window.page
    assert [one.button.accessibleName() for one in page.columns.values()] == ["Reference", *"ABCDE"]
    sliders = page.findChildren(QSlider)
    assert [one.accessibleName() for one in sliders] == [f"Score of {label}" for label in "ABCDE"]


def test_only_the_slider_of_the_heard_sample_is_enabled(opened):
    listener = opened(MUSHRA, levels=(0, 2))
    sliders = listener.window.page.findChildren(QSlider)
    enabled = [[one.isEnabled() for one in sliders]]
    for key in (KEY.Key_2, KEY.Key_R):
        listener.press(key)
        enabled.append([one.isEnabled() for one in sliders])
    assert [sum(one) for one in enabled] == [0, 1, 0]
    assert enabled[1][1]


def test_a_score_of_zero_can_be_given_by_keyboard(opened):
    listener = opened(MUSHRA, levels=(0, 2))
    listener.press(KEY.Key_1, KEY.Key_Down)
    assert listener.window.page.given.scores == {"A": 0}


def test_arrows_step_through_samples_by_their_place_on_the_page(opened):
    listener, heard = opened(MUSHRA, levels=(0, 2)), []
    for key in [KEY.Key_Right] * 7 + [KEY.Key_Left]:
        listener.press(key)
        heard.append(listener.window.player.playing)
    assert heard == ["Reference", "A", "B", "C", "D", "E", "E", "D"]


def test_an_answer_waits_until_every_sample_was_heard(opened):
    listener = opened(ABX)
    page = listener.window.page
    listener.press(KEY.Key_1, KEY.Key_Left)
    listener.hear()
    listener.press(KEY.Key_Return)
    assert page.hint.text() == "Not heard yet: B, X"
    assert not page.forward.isEnabled()
    assert listener.window.session.answers == ()


def test_a_sample_that_was_asked_for_and_not_heard_does_not_count(opened):
    listener = opened(ABX)
    for key in DIGITS[:3]:
        listener.press(key)
        listener.hear(0.05)
    assert listener.window.page.hint.text() == "Not heard yet: A, B, X"


def test_training_tells_the_right_answer_and_the_test_does_not(opened):
    listener, told = opened(ABX, trials=1), []
    window = listener.window

    def answer(page: TrialPage, trial) -> None:
        listener.play_all(trial)
        listener.press(KEY.Key_Left, KEY.Key_Return)
        told.append((trial.training, page.finished and page.feedback.text()[-3:] in (" A.", " B.")))

    listener.run(answer)
    assert told == [(True, True)] * 3 + [(False, False)] * (len(told) - 3)
    assert len(window.session.answers) == len(told)


def test_a_page_says_when_the_training_is_over(opened):
    listener = opened(PREFERENCE, trials=1)
    for _ in range(2):
        listener.play_all(listener.window.session.trial())
        listener.press(KEY.Key_Down, KEY.Key_Return)
    assert listener.window.page.heading.text() == "The training is over"


def test_a_pause_after_the_last_training_question_does_not_skip_the_page_that_says_so(opened):
    listener = opened(ABX, trials=1)
    for number in range(3):
        listener.play_all(listener.window.session.trial())
        listener.press(KEY.Key_Left, KEY.Key_Return, KEY.Key_Return if number < 2 else KEY.Key_P)
    listener.press(KEY.Key_Return)
    assert listener.window.page.heading.text() == "The training is over"


def test_back_keeps_what_was_entered(start):
    listener = start(ABX)
    listener.press(KEY.Key_Return)
    QTest.keyClicks(listener.window.focusWidget(), "L7")
    listener.press(KEY.Key_Return)
    assert isinstance(listener.window.page, Volume)
    QTest.mouseClick(listener.window.page.buttons[0], Qt.MouseButton.LeftButton)
    assert isinstance(listener.window.page, Questionnaire)
    QTest.mouseClick(listener.window.page.buttons[0], Qt.MouseButton.LeftButton)
    assert listener.window.page.heading.text() == "A small study"
    listener.press(KEY.Key_Return)
    assert listener.window.page.listener.text() == "L7"


@pytest.mark.parametrize("name", ["", "two words", "a/b"])
def test_a_code_that_cannot_be_used_is_refused_in_words(start, name):
    listener = start(ABX)
    listener.press(KEY.Key_Return)
    QTest.keyClicks(listener.window.focusWidget(), name)
    listener.press(KEY.Key_Return)
    page = listener.window.page
    assert isinstance(page, Questionnaire)
    assert page.notice.isVisible() and page.notice.text()


def test_the_volume_page_continues_only_after_the_sample_was_played(start):
    listener = start(ABX)
    listener.press(KEY.Key_Return)
    QTest.keyClicks(listener.window.focusWidget(), "L1")
    listener.press(KEY.Key_Return)
    page = listener.window.page
    before = page.forward.isEnabled()
    listener.press(KEY.Key_Space)
    page.slider.setValue(-30)
    assert (before, page.forward.isEnabled(), listener.window.player.gain_db) == (False, True, -30)


def test_a_pause_hides_the_question_and_continues_with_it(opened):
    listener = opened(ABX)
    listener.press(KEY.Key_1)
    listener.hear()
    listener.press(KEY.Key_P)
    paused, silent = listener.window.page, listener.speaker.hear(0.1)[200:]
    listener.press(KEY.Key_Return)
    assert isinstance(paused, Message)
    assert not silent.any()
    assert isinstance(listener.window.page, TrialPage)
    assert listener.window.session.answers == ()


def test_letters_set_the_passage_and_stop_the_sound(opened):
    listener = opened(ABX)
    player = listener.window.player
    listener.press(KEY.Key_1)
    listener.press(KEY.Key_S)
    assert player.playing is None
    QTest.mouseClick(listener.window.page.row.restart, Qt.MouseButton.LeftButton)
    assert player.restart


def test_the_window_closes_the_device(opened):
    listener = opened(ABX)
    listener.window.close()
    assert listener.speaker.closed
