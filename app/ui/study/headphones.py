"""The page that checks for headphones before a listening test."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QButtonGroup, QHBoxLayout

from ...engine.headphone_tones import NEEDED, QUESTIONS, place_at, tone_questions
from ...engine.player import Player
from ..labels import label
from .pages import Page
from .style import button

_TEXT = (
    "Put on your headphones. You hear three tones again and again: which one is the softest? Answer as soon as you "
    "know. The check only works with headphones on."
)
_FAILED = (
    "{right} of {questions} answers were right. It sounds as if the tones came from loudspeakers, or as if left and "
    "right were mixed into one. Put on headphones, switch off sound effects of the system, and try again."
)
NAMES = ("First", "Second", "Third")


class HeadphoneCheck(Page):
    """Asks which of three tones is the softest, :data:`~app.engine.headphone_tones.QUESTIONS` times.

    Args:
        player: of two channels; any sample that it has is replaced.
        seed: of the places of the tones.
        back: the first button, with its text.
    """

    #: number of right answers, when the listener continues
    finished = pyqtSignal(int)

    def __init__(self, player: Player, seed: int, back: tuple[str, Callable[[], None]]) -> None:
        super().__init__("Headphone check", [back, ("Continue", self._continue)])
        self._player, self._seed = player, seed
        self.text, self.progress = label(_TEXT, wrap=True), label("", "muted")
        self.play = button("Play")
        self.play.clicked.connect(self._play)
        self.tones = [button(f"{name} ({number})") for number, name in enumerate(NAMES, 1)]
        self._group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.play)
        for place, one in enumerate(self.tones):
            one.setCheckable(True)
            self._group.addButton(one)
            one.setMinimumWidth(150)
            one.clicked.connect(lambda _=False, place=place: self._answer(place))
            QShortcut(QKeySequence(str(place + 1)), self).activated.connect(one.click)
            row.addWidget(one)
        row.addStretch(1)
        self.again = button("Try again", "small")
        self.again.clicked.connect(self._start)
        self.heard = label("", "playing")
        for content in (self.text, self.progress):
            self.content.addWidget(content)
        self.content.addLayout(row)
        self.content.addWidget(self.heard)
        self.content.addWidget(self.again, alignment=Qt.AlignmentFlag.AlignLeft)
        self.first = self.play
        self._start()

    def tick(self) -> None:
        """Show which tone is heard. Call it regularly."""
        place = place_at(self._player.position) if self._player.playing is not None else None
        self.heard.setText("" if place is None else f"{NAMES[place]} tone")

    def _start(self) -> None:
        self._questions, self._right = tone_questions(self._seed, self._player.rate), list[bool]()
        self._seed += 1
        self.again.hide()
        self.show_notice("")
        self.forward.setEnabled(False)
        self._ask()
        self.play.setFocus()

    def _ask(self) -> None:
        number = len(self._right)
        self._player.load({"tones": self._questions[number].sound})
        self.progress.setText(f"Question {number + 1} of {QUESTIONS}")
        self.play.setEnabled(True)
        self._group.setExclusive(False)
        for one in self.tones:
            one.setChecked(False)
            one.setEnabled(False)
        self._group.setExclusive(True)

    def _play(self) -> None:
        self._player.play("tones")
        self.play.setEnabled(False)
        for one in self.tones:
            one.setEnabled(True)
        self.tones[0].setFocus()

    def _answer(self, place: int) -> None:
        self._right.append(place == self._questions[len(self._right)].softest)
        if len(self._right) < QUESTIONS:
            self._ask()
            self._play()
            return
        self._player.stop()
        for one in self.tones:
            one.setEnabled(False)
        right = sum(self._right)
        passed = right >= NEEDED
        if not passed:
            self.show_notice(_FAILED.format(right=right, questions=QUESTIONS))
            self.again.show()
        self.progress.setText("These are headphones." if passed else "")
        self.forward.setEnabled(True)
        (self.forward if passed else self.again).setFocus()

    def _continue(self) -> None:
        self._player.stop()
        self.finished.emit(sum(self._right))
