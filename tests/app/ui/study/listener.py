"""A loudspeaker in virtual time, and listeners who use the real pages by keyboard."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from app.engine.clock import VirtualClock
from app.engine.player import Player
from app.engine.speaker import Render
from app.ui.study.pages import Message, Questionnaire, Volume
from app.ui.study.trial import TrialPage
from app.ui.study.window import StudyWindow
from sepprune.study.session import Trial
from tests.study.studies import RATE

#: sound that is rendered at once, as by a device; samples
BLOCK = 160
#: the row of digits from left to right
DIGITS = [Qt.Key(ord(sign)) for sign in "1234567890-="]


class VirtualSpeaker:
    """Plays in virtual time and keeps what was heard."""

    def __init__(self, render: Render, rate: int = RATE) -> None:
        self.name, self.late, self.stopped, self.closed = "Virtual headphones", 0, False, False
        self.clock = VirtualClock()
        self._render, self._rate = render, rate
        self.heard: list[np.ndarray] = []

    def hear(self, seconds: float) -> np.ndarray:
        blocks = [self._render(BLOCK) for _ in range(round(seconds * self._rate / BLOCK))]
        self.clock.advance(len(blocks) * BLOCK / self._rate)
        self.heard += blocks
        return np.concatenate(blocks)

    def close(self) -> None:
        self.closed = True


class Listener:
    """Presses keys in a window and hears its sound.

    Args:
        window: shown.
        speaker: of its player.
    """

    def __init__(self, window: StudyWindow, speaker: VirtualSpeaker) -> None:
        self.window, self.speaker = window, speaker

    def press(self, *keys: Qt.Key) -> None:
        for key in keys:
            target = self.window.focusWidget() or self.window
            QTest.keyClick(target, key)

    def hear(self, seconds: float = 0.25) -> None:
        self.speaker.hear(seconds)
        self.window.tick()

    def reach_the_first_question(self, name: str = "L1") -> None:
        """Consent, questionnaire, volume, instructions."""
        self.press(Qt.Key.Key_Return)
        assert isinstance(self.window.page, Questionnaire)
        QTest.keyClicks(self.window.focusWidget(), name)
        self.press(Qt.Key.Key_Return)
        self.set_volume()

    def set_volume(self) -> None:
        assert isinstance(self.window.page, Volume)
        self.press(Qt.Key.Key_Space)
        self.hear()
        self.press(Qt.Key.Key_Tab, Qt.Key.Key_Return)
        assert isinstance(self.window.page, Message)
        self.press(Qt.Key.Key_Return)

    def play_all(self, trial: Trial) -> None:
        """Every sample by its key: digits by position, R for the open reference."""
        scored = [label for label in trial.labels if label != "Reference"]
        for label in trial.labels:
            self.press(Qt.Key.Key_R if label == "Reference" else DIGITS[scored.index(label)])
            self.hear()

    def run(self, answer: Callable[[TrialPage, Trial], None], most: int = 1000) -> None:
        """Answer until the last page; messages in between are confirmed."""
        for _ in range(most):
            page, session = self.window.page, self.window.session
            assert session is not None
            if session.complete and not isinstance(page, TrialPage):
                return
            if isinstance(page, TrialPage) and not page.finished:
                trial = session.trial()
                assert trial is not None
                answer(page, trial)
            self.press(Qt.Key.Key_Return)
        raise AssertionError("the session does not end")


def open_window(study, folder, qtbot, seed: int | None = None, **settings) -> tuple[StudyWindow, VirtualSpeaker]:
    """A window that is shown, its timer stopped, so that the test decides when it ticks."""
    speakers: list[VirtualSpeaker] = []

    def open_speaker(render: Render) -> VirtualSpeaker:
        speakers.append(VirtualSpeaker(render, study.sample_rate))
        return speakers[-1]

    clock = VirtualClock()
    player = Player(study.sample_rate, open_speaker, clock.now, channels=2 if "headphone_check" in study.facts else 1)
    speakers[0].clock = clock
    window = StudyWindow(study, folder, player, seed, **settings)
    window.timer.stop()
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    return window, speakers[0]
