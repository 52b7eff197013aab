"""The status line at the bottom, and the banner for problems that stop the sound."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from .engine_link import LOADING, RUNNING, SILENT, STOPPED
from .facts import sentence
from .theme import Theme

#: state, text
STATES = {
    LOADING: "Loading the separator",
    RUNNING: "Running",
    SILENT: "The engine does not respond",
    STOPPED: "Stopped",
}


class ElidedLabel(QLabel):
    """One line that is shortened to its width; the whole text is its tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.whole = ""

    def show_text(self, text: str) -> None:
        """Set the whole text."""
        self.whole = text
        self.setToolTip(text)
        self._elide()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        self._elide()

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(self.whole, Qt.TextElideMode.ElideRight, self.width())
        self.setText("" if shown == "…" else shown)


class Message(ElidedLabel):
    """The last message; its first letter is made a capital."""

    def show_text(self, text: str) -> None:
        super().show_text(sentence(text))


class StatusLine(QFrame):
    """Engine state, last message, backend and precision, and facts about the engine."""

    calibration_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "status")
        self._dot, self._state, self.message, self._facts = QLabel("●"), QLabel(), Message(), QLabel()
        self.computed_by = QPushButton()
        self.computed_by.setProperty("role", "link")
        self.computed_by.setAccessibleName("Measure which backend and precision is fastest")
        self.computed_by.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.computed_by.clicked.connect(self.calibration_asked)
        self.computed_by.hide()
        self.message.setProperty("role", "muted")
        self._facts.setProperty("role", "muted")
        self._state.setAccessibleName("Engine state")
        self.message.setAccessibleName("Last message")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 5, 14, 5)
        row.setSpacing(8)
        row.addWidget(self._dot)
        row.addWidget(self._state)
        row.addSpacing(8)
        row.addWidget(self.message, stretch=1)
        row.addWidget(self.computed_by)
        row.addWidget(self._facts)
        self._theme: Theme | None = None
        self._current = STOPPED

    def set_theme(self, theme: Theme) -> None:
        """Take colours."""
        self._theme = theme
        self.show_state(self._current)

    def show_state(self, state: str) -> None:
        """Show a state of :class:`~app.ui.engine_link.EngineLink`, or another word in its place."""
        self._current = state
        self._state.setText(STATES.get(state, state))
        if self._theme:
            colour = {RUNNING: self._theme.compute, STOPPED: self._theme.miss, SILENT: self._theme.miss}
            self._dot.setStyleSheet(f"color: {colour.get(state, self._theme.muted)}")

    def set_presentation(self, on: bool) -> None:
        """Hide the facts, which leaves more room for the message."""
        self._facts.setVisible(not on)
        self.computed_by.setVisible(not on and bool(self.computed_by.text()))

    def show_computed_by(self, text: str, measured: str) -> None:
        """Show backend and precision of the level that is heard.

        Args:
            text: backend and precision.
            measured: result of a calibration in words, empty where there is none.
        """
        self.computed_by.setText(text)
        self.computed_by.setVisible(self._facts.isVisibleTo(self))
        self.computed_by.setToolTip(
            "Backend and precision of this level. Click, or press C, to measure while the sound runs\n"
            "which backend and precision is fastest on this computer, for each level."
            + (f"\nFastest on this computer: {measured}." if measured else "")
        )

    def show_facts(self, facts: list[str], explanation: str) -> None:
        """Show short facts on the right, with a tooltip."""
        self._facts.setText("   ·   ".join(facts))
        self._facts.setToolTip(explanation)


class Banner(QFrame):
    """One sentence across the window, with a button that starts the engine again."""

    restart_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner")
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.restart = QPushButton("Start again")
        self.restart.setToolTip("Start the audio engine again with the current settings")
        self.restart.clicked.connect(self.restart_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 7, 14, 7)
        row.addWidget(self.sentence, stretch=1)
        row.addWidget(self.restart)
        self.hide()

    def show_sentence(self, text: str) -> None:
        """Show the banner; its accessible name is the sentence, so that screen readers announce it."""
        self.sentence.setText(sentence(text))
        self.setAccessibleName(sentence(text))
        self.show()
