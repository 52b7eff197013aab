"""A problem that stays on the screen until the user has seen it."""

from __future__ import annotations

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from .facts import sentence


class Alert(QFrame):
    """One sentence across the window with a button that closes it. Nothing else closes it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner")
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.close_button = QPushButton("OK")
        self.close_button.setToolTip("Close this message")
        self.close_button.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 7, 14, 7)
        row.addWidget(self.sentence, stretch=1)
        row.addWidget(self.close_button)
        self.hide()

    def show_sentence(self, text: str) -> None:
        """Show a sentence; it is also the accessible name, so that screen readers announce it."""
        self.sentence.setText(sentence(text))
        self.setAccessibleName(sentence(text))
        self.show()
