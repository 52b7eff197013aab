"""The headphone check in the pages of a study, by keyboard."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from app.engine.headphone_tones import QUESTIONS, TONE_S, TONES, place_at
from app.engine.player import Player
from app.ui.study.headphones import HeadphoneCheck
from app.ui.study.pages import Message
from sepprune.study.design import ABX
from sepprune.study.results import read_result
from tests.app.ui.study.listener import Listener, VirtualSpeaker
from tests.study.studies import RATE

KEY = Qt.Key


@pytest.fixture
def at_check(start, monkeypatch) -> Listener:
    """A study with a headphone check, at that page."""
    monkeypatch.setattr("tests.study.studies.FACTS", {"headphone_check": True})
    listener = start(ABX, trials=2)
    listener.press(KEY.Key_Return)
    QTest.keyClicks(listener.window.focusWidget(), "L1")
    listener.press(KEY.Key_Return, KEY.Key_Space)
    listener.hear()
    listener.press(KEY.Key_Tab, KEY.Key_Return)
    assert isinstance(listener.window.page, HeadphoneCheck)
    return listener


def perceived(listener: Listener, in_the_air: bool) -> int:
    """The tone that is softest for one ear, or in front of loudspeakers."""
    listener.hear(0.1)
    found = np.full(TONES, np.inf)
    for _ in range(450):
        place = place_at(listener.window.player.position)
        heard = listener.speaker.hear(0.01)
        if place is not None and place == place_at(listener.window.player.position):
            sides = heard.sum(axis=1) if in_the_air else heard[:, 0]
            position = listener.window.player.position % (TONE_S * 1.5)
            if 0.3 < position < 0.7:
                found[place] = np.abs(sides).max()
    return int(found.argmin())


def answer_all(listener: Listener, in_the_air: bool = False) -> None:
    listener.press(KEY.Key_Space)
    for _ in range(QUESTIONS):
        listener.press((KEY.Key_1, KEY.Key_2, KEY.Key_3)[perceived(listener, in_the_air)])


def test_a_listener_with_headphones_passes_and_the_result_says_so(at_check):
    answer_all(at_check)
    at_check.press(KEY.Key_Return)
    assert isinstance(at_check.window.page, Message)
    at_check.press(KEY.Key_Return)
    assert read_result(at_check.window.opened.path).about["headphone_check"] == "6 of 6"


def test_loudspeakers_fail_and_the_page_says_what_to_do(at_check):
    answer_all(at_check, in_the_air=True)
    page = at_check.window.page
    assert isinstance(page, HeadphoneCheck)
    assert "0 of 6" in page.notice.text() and page.again.isVisible()
    at_check.press(KEY.Key_Return)
    answer_all(at_check)
    assert page.notice.text() == ""


def test_no_answer_is_possible_before_the_tones_play(at_check):
    at_check.press(KEY.Key_1, KEY.Key_2, KEY.Key_3)
    assert at_check.window.page.progress.text() == f"Question 1 of {QUESTIONS}"


def test_a_study_without_the_check_has_no_such_page(opened):
    opened(ABX)


def test_a_blind_comparison_asks_first_and_closes_its_sound_before_the_engine_opens_the_device(live_at_check):
    listener, speakers = live_at_check
    listener.press(KEY.Key_Return, KEY.Key_Return)
    assert isinstance(listener.window.page, HeadphoneCheck) and listener.engine.starts == 0
    listener.window.page.finished.emit(5)
    assert speakers[0].closed and listener.engine.starts == 1
    assert listener.window.facts()["headphone_check"] == "5 of 6"


@pytest.fixture
def live_at_check(ladder, sound, tmp_path, qtbot):
    from tests.app.conftest import speech_like
    from tests.app.ui.study.live_engine import open_live

    speakers = []

    def open_tones() -> Player:
        return Player(RATE, lambda render: speakers.append(VirtualSpeaker(render)) or speakers[-1], channels=2)

    opened = open_live(ladder, sound(speech_like(2.0)), tmp_path, qtbot, open_tones=open_tones)
    yield opened.listener, speakers
    opened.engine.separator.close()
