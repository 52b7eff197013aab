"""Every key, in one table: what is bound and what the overlay shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QShortcut
from PyQt6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

#: action, keys, what they do; digits, arrows and space are handled by the window and slider
BINDINGS = (
    ("bypass", ("B",), "bypass: hear the mixture"),
    ("mute", ("M",), "mute the output"),
    ("record", ("R",), "start or stop recording"),
    ("loop", ("L",), "start a file again at its end, or not"),
    ("view", ("V",), "spectrogram or waveform"),
    ("sweep", ("G",), "go through all levels"),
    ("fallback", ("U",), "lighter level while chunks are late"),
    ("calibrate", ("C",), "measure what computes fastest here"),
    ("round_trip", ("P",), "measure the round trip with chirps"),
    ("mixture", ("Q",), "listen to the mixture"),
    ("voice1", ("W",), "listen to voice 1"),
    ("voice2", ("E",), "listen to voice 2"),
    ("split", ("T",), "voice 1 left, voice 2 right"),
    ("both", ("Y",), "both voices together"),
    ("louder", ("+", "="), "louder by 1 dB"),
    ("quieter", ("-",), "quieter by 1 dB"),
    ("open", ("Ctrl+O",), "open a sound file"),
    ("rescan", ("F5",), "look for devices anew"),
    ("presentation", ("F",), "presentation mode"),
    ("full_screen", ("F11",), "full screen"),
    ("help", ("?", "F1"), "this page"),
    ("quit", ("Ctrl+Q",), "quit"),
)

#: key, signal, what happens while it is held down
HELD = (
    ("A", "mixture", "hold: the mixture alone"),
    ("S", "voice1", "hold: voice 1 alone"),
    ("D", "voice2", "hold: voice 2 alone"),
)

_FIRST_LINES = (
    ("0 … 9", "choose a level, 0 is dense"),
    ("← →", "lighter or denser, on the slider"),
    ("Space", "pause or play"),
    ("Tab", "next control"),
)


def bind(window: QWidget, actions: Mapping[str, Callable[[], None]], level: Callable[[int], None]) -> None:
    """Bind every key of the table to ``actions[action]``, and the digits to ``level(digit)``."""
    for action, keys, _ in BINDINGS:
        for key in keys:
            _bind(window, key, actions[action])
    for digit in range(10):
        _bind(window, str(digit), lambda digit=digit: level(digit))


def _bind(window: QWidget, key: str, action: Callable[[], None]) -> None:
    shortcut = QShortcut(QKeySequence(key), window)
    shortcut.setAutoRepeat(key in "+-=")
    shortcut.activated.connect(action)


class ShortcutsOverlay(QWidget):
    """A card over the dimmed window; Escape or a click closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Keyboard shortcuts")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        card = QFrame()
        card.setProperty("role", "card")
        outer = QVBoxLayout(self)
        outer.addWidget(card, alignment=Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(card)
        column.setContentsMargins(28, 22, 28, 22)
        column.setSpacing(14)
        title = QLabel("Keyboard shortcuts")
        title.setProperty("role", "headline")
        column.addWidget(title)
        columns = QHBoxLayout()
        columns.setSpacing(48)
        column.addLayout(columns)
        bound = [(" or ".join(keys).replace("-", "−"), text) for _, keys, text in BINDINGS]
        after = [action for action, _, _ in BINDINGS].index("both") + 1
        lines = [*_FIRST_LINES, *bound[:after], *((key, text) for key, _, text in HELD), *bound[after:]]
        half = -(-len(lines) // 2)
        for part in (lines[:half], lines[half:]):
            grid = QGridLayout()
            grid.setHorizontalSpacing(18)
            grid.setVerticalSpacing(7)
            for row, (keys, text) in enumerate(part):
                key, what = QLabel(keys), QLabel(text)
                key.setProperty("role", "figure")
                what.setProperty("role", "muted")
                grid.addWidget(key, row, 0, Qt.AlignmentFlag.AlignRight)
                grid.addWidget(what, row, 1)
            grid.setRowStretch(half, 1)
            columns.addLayout(grid)
        self.hide()

    def toggle(self) -> None:
        """Open over the whole window, or close."""
        if self.isVisible():
            self.hide()
        else:
            self.setGeometry(self.parentWidget().rect())
            self.show()
            self.raise_()
            self.setFocus()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        self.hide()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        self.hide()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        QPainter(self).fillRect(self.rect(), QColor(0, 0, 0, 150))
