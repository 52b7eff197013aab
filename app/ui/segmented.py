"""A row of buttons of which exactly one is checked."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget


class Segmented(QWidget):
    """Exclusive buttons side by side.

    Args:
        choices: ``(value, label, tooltip)`` of each button.
        accessible_name: name of the choice, for screen readers.
    """

    chosen = pyqtSignal(str)

    def __init__(
        self, choices: Sequence[tuple[str, str, str]], accessible_name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(accessible_name)
        self.buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for number, (value, label, tip) in enumerate(choices):
            button = QPushButton(label)
            button.setCheckable(True)
            button.setToolTip(tip)
            button.setAccessibleName(f"{accessible_name}: {label or value}")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setProperty(
                "segment", "left" if number == 0 else "right" if number == len(choices) - 1 else "middle"
            )
            button.clicked.connect(lambda _, value=value: self.chosen.emit(value))
            self._group.addButton(button)
            self.buttons[value] = button
            row.addWidget(button, stretch=1)

    @property
    def value(self) -> str:
        """The value of the checked button, or empty."""
        return next((value for value, button in self.buttons.items() if button.isChecked()), "")

    def show_value(self, value: str) -> None:
        """Check a button; emits nothing."""
        self.buttons[value].setChecked(True)
