"""The page of one question: samples, passage, answer. It knows labels only, never what is behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeySequence, QShortcut, QShowEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from sepprune.study.design import MUSHRA, PREFERENCE, RATING
from sepprune.study.session import Trial
from sepprune.study.texts import Texts

from ..labels import label
from .answers import Choices, answer_texts
from .samples import LARGE_STEP, STEP, SampleColumn, ScaleNames, ScoreColumn, SoundRow, keys_of, small_note
from .sounds import Sounds
from .style import button, centred, page_background

#: what the arrow keys do, by method; ABX and threshold have the first
ARROWS = {"": "← → answer", PREFERENCE: "← ↓ → answer", RATING: "↑ ↓ answer", MUSHRA: "← → sample, ↑ ↓ score"}


@dataclass(frozen=True)
class Given:
    """An answer as :meth:`sepprune.study.session.Session.answer` takes it."""

    choice: str | None
    scores: dict[str, int]


class TrialPage(QWidget):
    """Asks one question. A key has the same effect as the button that names it.

    Args:
        method: of the study.
        trial: the question.
        texts: of the study.
        player: with the samples of the question loaded.
        row: below the samples: what changes how they play.
    """

    answered = pyqtSignal(Given)
    #: the listener has seen the right answer of a training question
    continued = pyqtSignal()
    pause_asked = pyqtSignal()

    def __init__(self, method: str, trial: Trial, texts: Texts, player: Sounds, row: SoundRow) -> None:
        super().__init__()
        page_background(self)
        self._method, self._trial, self._player = method, trial, player
        self._finished = False
        self.progress, self.pause = label(progress_text(trial), "muted"), button("Pause (P)", "small")
        self.question = label(texts.questions[trial.topic], "question", wrap=True)
        self.columns = {one: self._column(one, key) for one, key in keys_of(trial.labels).items()}
        if len(self.columns) == 1:  # a letter would suggest that there are more
            for only in self.columns.values():
                only.button.setText("Sample")
                only.button.setAccessibleName("Sample")
        self.choices = Choices(answer_texts(method, trial, texts), upright=method == RATING) if trial.choices else None
        self.row = row
        self.hint, self.feedback, self.notice = small_note(""), label("", "question"), label("", "notice", wrap=True)
        self.forward = button("Next", "main")
        self._lay_out(texts)
        self._connect()
        self._bind()
        self.tick()

    @property
    def finished(self) -> bool:
        """Whether the question is answered, and only its right answer is shown."""
        return self._finished

    @property
    def given(self) -> Given:
        """What is answered so far."""
        scores = {name: one.score for name, one in self._scored.items() if one.score is not None}
        return Given(None if self.choices is None else self.choices.chosen, scores)

    def play(self, name: str) -> None:
        """Switch to a sample, also where it plays already."""
        self._player.play(name)
        self.tick()
        column = self.columns[name]
        (column.slider if isinstance(column, ScoreColumn) else column.button).setFocus()

    def tick(self) -> None:
        """Show what the player does. Call it regularly."""
        playing = self._player.playing
        for name, column in sorted(self.columns.items(), key=lambda pair: pair[0] != playing):
            if column.playing != (name == playing) or column.button.isChecked() != column.playing:
                column.show_playing(name == playing)
        self.row.tick()
        missing = self._missing()
        self.hint.setText("" if self._finished else missing)
        self.forward.setEnabled(self._finished or not missing)

    def show_feedback(self, right: bool, answer: str) -> None:
        """After a training question: the answer that was right. The samples can still be played."""
        self.feedback.setText(f"Right: X is {answer}." if right else f"Not right: X is {answer}.")
        self._finished = True
        if self.choices is not None:
            self.choices.setEnabled(False)
        self.tick()
        self.forward.setFocus()

    def show_notice(self, text: str) -> None:
        """Show a sentence above the buttons; an empty one hides it."""
        self.notice.setText(text)
        self.notice.setVisible(bool(text))

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        next(iter(self.columns.values())).button.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def _scored(self) -> dict[str, ScoreColumn]:
        return {name: one for name, one in self.columns.items() if isinstance(one, ScoreColumn)}

    def _column(self, name: str, key: str) -> SampleColumn:
        return (
            ScoreColumn(name, key) if name in self._trial.scored else SampleColumn(name, key, bool(self._trial.scored))
        )

    def _missing(self) -> str:
        """What is left to do before the next question, as a sentence."""
        plays = self._player.plays
        if unheard := [name for name in self._trial.labels if not plays.get(name)]:
            return "Not heard yet: " + _listed(unheard)
        if unscored := [name for name, one in self._scored.items() if one.score is None]:
            return "No score yet: " + _listed(unscored)
        return "Choose an answer" if self.choices is not None and self.choices.chosen is None else ""

    def _lay_out(self, texts: Texts) -> None:
        top = QHBoxLayout()
        top.addWidget(self.progress)
        top.addStretch(1)
        top.addWidget(self.pause)
        samples = QHBoxLayout()
        samples.setSpacing(6 if self._trial.scored else 28)
        if self._trial.scored:
            names = QVBoxLayout()
            names.setContentsMargins(0, 26, 0, 0)
            names.addWidget(ScaleNames(texts.scales[self._trial.topic]))
            names.addStretch(1)
            samples.addLayout(names)
        for column in self.columns.values():
            samples.addWidget(column, alignment=Qt.AlignmentFlag.AlignBottom)
        bottom = QHBoxLayout()
        bottom.setSpacing(16)
        bottom.addWidget(self._keys())
        bottom.addStretch(1)
        bottom.addWidget(self.hint)
        bottom.addWidget(self.forward)
        self.hint.setWordWrap(False)
        self.notice.hide()
        self.question.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.feedback.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        answer = QVBoxLayout()
        if self.choices is not None:
            answer.addWidget(self.choices)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(36, 22, 36, 24)
        whole.setSpacing(14)
        whole.addLayout(top)
        whole.addStretch(1)
        whole.addWidget(self.question)
        whole.addSpacing(8)
        whole.addLayout(centred(samples))
        whole.addWidget(self.row)
        whole.addSpacing(8)
        whole.addLayout(centred(answer))
        whole.addWidget(self.feedback)
        whole.addStretch(2)
        whole.addWidget(self.notice)
        whole.addLayout(bottom)

    def _keys(self) -> QLabel:
        keys = list(keys_of(self._trial.labels).values())
        play = " ".join(keys) if len(keys) <= 3 else f"{keys[0]} {keys[1]} {keys[2]} …"
        return label(f"Keys: {play} play · {ARROWS.get(self._method, ARROWS[''])} · Enter next", "small")

    def _connect(self) -> None:
        for name, column in self.columns.items():
            column.button.clicked.connect(partial(self._clicked, name))
            if isinstance(column, ScoreColumn):
                column.changed.connect(self.tick)
        if self.choices is not None:
            self.choices.changed.connect(self.tick)
        self.forward.clicked.connect(self._forward)
        self.pause.clicked.connect(self.pause_asked)

    def _clicked(self, name: str) -> None:
        self.play(name)  # without the argument `checked` of the signal

    def _bind(self) -> None:
        actions: dict[str, Callable[[], None]] = {
            "P": self.pause.click,
            "Return": self._forward,
            "Enter": self._forward,
        }
        actions |= self.row.keys
        actions |= {key: partial(self.play, name) for name, key in keys_of(self._trial.labels).items()}
        actions |= self._arrows()
        for key, action in actions.items():
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setAutoRepeat(key in ("Up", "Down"))
            shortcut.activated.connect(action)

    def _arrows(self) -> dict[str, Callable[[], None]]:
        if self.choices is None:
            steps = {"Up": STEP, "Down": -STEP, "PgUp": LARGE_STEP, "PgDown": -LARGE_STEP}
            moves: dict[str, Callable[[], None]] = {key: partial(self._score, change) for key, change in steps.items()}
            return {**moves, "Left": partial(self._neighbour, -1), "Right": partial(self._neighbour, 1)}
        if self._method == RATING:
            return {"Up": partial(self._move, -1), "Down": partial(self._move, 1)}
        places = {"Left": 0, "Right": len(self._trial.choices) - 1}
        if self._method == PREFERENCE:
            places["Down"] = 1
        return {key: partial(self._choose, place) for key, place in places.items()}

    def _choose(self, place: int) -> None:
        if self.choices is not None and self.choices.isEnabled():
            self.choices.choose(place)

    def _move(self, change: int) -> None:
        if self.choices is not None and self.choices.isEnabled():
            self.choices.choose_neighbour(change)

    def _score(self, change: int) -> None:
        heard = self._scored.get(self._player.playing or "")
        if heard is not None:
            heard.step(change)

    def _neighbour(self, change: int) -> None:
        names, playing = list(self.columns), self._player.playing
        place = names.index(playing) + change if playing is not None else 0
        if 0 <= place < len(names):
            self.play(names[place])

    def _forward(self) -> None:
        if self._finished:
            self.continued.emit()
        elif not self._missing():
            self.answered.emit(self.given)


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} samples"


def progress_text(trial: Trial) -> str:
    """Where in the session the question is."""
    kind = "Training" if trial.training else "Trial"
    return f"{kind} {trial.number}" + ("" if trial.total is None else f" of {trial.total}")
