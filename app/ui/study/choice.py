"""Asks which two levels are compared blind."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from ...engine.facts import LevelFacts
from ..choice import Choice

MIXTURE = "the unprocessed mixture"


class LevelsDialog(QDialog):
    """Two lists of levels. One of the two may be the unprocessed mixture.

    Args:
        parent: the window.
        ladder: the levels.
        level: the one to begin with, against the dense level.
    """

    def __init__(self, parent: QWidget, ladder: Sequence[LevelFacts], level: int) -> None:
        super().__init__(parent)
        self.setWindowTitle("Blind comparison")
        self.setObjectName("window")  # the colours of the window
        self.first, self.second = Choice("One"), Choice("The other")
        for choice in (self.first, self.second):
            for one in ladder:
                choice.addItem(f"level {one.level} · {one.name}", one.level)
            choice.addItem(MIXTURE, None)
        self.second.setCurrentIndex(level or min(1, len(ladder)))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        if (ok := self.buttons.button(QDialogButtonBox.StandardButton.Ok)) is not None:
            ok.setText("Compare")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        text = QLabel(
            "Both run on the sound of this window. In every question A and B are these two in random order, X is one "
            "of them, and nothing shows which. This window closes and another one opens."
        )
        text.setWordWrap(True)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignVCenter)
        form.setVerticalSpacing(10)
        form.addRow("One", self.first)
        form.addRow("The other", self.second)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 16)
        column.setSpacing(14)
        column.addWidget(text)
        column.addLayout(form)
        column.addWidget(self.buttons)
        self.setMinimumWidth(420)
        for choice in (self.first, self.second):
            choice.currentIndexChanged.connect(self._check)

    @property
    def chosen(self) -> tuple[int | None, int | None]:
        """The two levels; ``None`` is the unprocessed mixture."""
        return self.first.currentData(), self.second.currentData()

    def _check(self) -> None:
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        if ok is not None:
            ok.setEnabled(self.first.currentIndex() != self.second.currentIndex())


def ask_for_levels(parent: QWidget, ladder: Sequence[LevelFacts], level: int) -> tuple[int | None, int | None] | None:
    """The two levels that the user chooses, ``None`` where the dialog is cancelled."""
    dialog = LevelsDialog(parent, ladder, level)
    return dialog.chosen if dialog.exec() == QDialog.DialogCode.Accepted else None
