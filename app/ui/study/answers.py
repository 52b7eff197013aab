"""Buttons for an answer, of which one is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QBoxLayout, QButtonGroup, QWidget

from sepprune.study.design import PREFERENCE, RATING
from sepprune.study.methods import NO_PREFERENCE
from sepprune.study.session import Trial
from sepprune.study.texts import Texts

from .style import button


def answer_texts(method: str, trial: Trial, texts: Texts) -> dict[str, str]:
    """What the buttons say: answer -> text, in order of the buttons."""
    if method == PREFERENCE:
        return {one: "No preference" if one == NO_PREFERENCE else f"I prefer {one}" for one in trial.choices}
    if method == RATING:
        return dict(zip(trial.choices, texts.scales[trial.topic], strict=True))
    return {one: f"X is {one}" for one in trial.choices}


class Choices(QWidget):
    """A button for every answer: side by side, or a list from best to worst.

    Args:
        answers: answer -> text of its button.
        upright: a list.
    """

    changed = pyqtSignal()

    def __init__(self, answers: Mapping[str, str], upright: bool) -> None:
        super().__init__()
        self.buttons = {answer: button(text) for answer, text in answers.items()}
        self._group = QButtonGroup(self)
        direction = QBoxLayout.Direction.TopToBottom if upright else QBoxLayout.Direction.LeftToRight
        layout = QBoxLayout(direction, self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8 if upright else 16)
        for one in self.buttons.values():
            one.setCheckable(True)
            one.setMinimumWidth(380 if upright else 190)
            self._group.addButton(one)
            layout.addWidget(one)
        self._group.buttonToggled.connect(lambda: self.changed.emit())

    @property
    def chosen(self) -> str | None:
        """The chosen answer."""
        return next((answer for answer, one in self.buttons.items() if one.isChecked()), None)

    def choose(self, place: int) -> None:
        """Choose by place; places outside are ignored."""
        order: Sequence[str] = tuple(self.buttons)
        if 0 <= place < len(order):
            self.buttons[order[place]].setChecked(True)

    def choose_neighbour(self, change: int) -> None:
        """Choose the neighbour of what is chosen; the first or the last where nothing is."""
        order = tuple(self.buttons)
        chosen = self.chosen
        start = (-1 if change > 0 else len(order)) if chosen is None else order.index(chosen)
        self.choose(start + change)
