"""All keys in one table, which is used to bind them and to show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QShortcut
from PyQt6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from .voice_names import DEFAULTS, in_text

#: actions that switch a control of the same name on or off
TOGGLES = ("bypass", "mute", "loop", "fallback")

#: action, keys, description with the names of the voices; window and slider handle digits, arrows and space
BINDINGS = (
    ("bypass", ("B",), "hear the unprocessed mixture"),
    ("mute", ("M",), "mute the output"),
    ("record", ("R",), "start or stop recording"),
    ("loop", ("L",), "loop the file"),
    ("passage_start", ("I",), "repeat the file from here"),
    ("passage_end", ("O",), "repeat the file to here"),
    ("passage_clear", ("N",), "play the whole file again"),
    ("seek_back", (",",), "5 seconds back in the file"),
    ("seek_forward", (".",), "5 seconds forward in the file"),
    ("previous_level", ("X",), "back to the previous level, and again"),
    ("view", ("V",), "show spectrograms or waveforms"),
    ("sweep", ("G",), "sweep through all levels"),
    ("fallback", ("U",), "fall back to a lighter level on missed deadlines"),
    ("calibrate", ("C",), "measure the fastest backend and precision"),
    ("round_trip", ("P",), "measure the round trip with chirps"),
    ("mixture", ("Q",), "listen to the mixture"),
    ("voice1", ("W",), "listen to {voice1}"),
    ("voice2", ("E",), "listen to {voice2}"),
    ("split", ("T",), "{voice1} left, {voice2} right"),
    ("both", ("Y",), "listen to both voices"),
    ("louder", ("+", "="), "louder by 1 dB"),
    ("quieter", ("-",), "quieter by 1 dB"),
    ("open", ("Ctrl+O",), "open a sound file"),
    ("study", ("Ctrl+T",), "open a listening test"),
    ("blind", ("Ctrl+B",), "compare two levels blind on this sound"),
    ("lab", ("Ctrl+L",), "latency lab: measure this computer"),
    ("save_report", ("Ctrl+S",), "save the live report"),
    ("rescan", ("F5",), "search for devices again"),
    ("recordings", ("Ctrl+R",), "open the folder of recordings"),
    ("names", ("F2",), "give the voices names"),
    ("colours", ("K",), "colours of the system, light or dark"),
    ("presentation", ("F",), "presentation mode"),
    ("full_screen", ("F11",), "full screen"),
    ("help", ("?", "F1"), "show or hide this page"),
    ("quit", ("Ctrl+Q",), "quit"),
)

#: key, signal, description of what it does while it is held down
HELD = (
    ("A", "mixture", "hold to hear the mixture alone"),
    ("S", "voice1", "hold to hear {voice1} alone"),
    ("D", "voice2", "hold to hear {voice2} alone"),
)

_FIRST_LINES = (
    ("0 – 9", "choose a level; 0 is dense"),
    ("← →", "previous or next level, on the slider"),
    ("Space", "pause or play"),
    ("Tab", "next control"),
)


def bind(window: QWidget, actions: Mapping[str, Callable[[], object]], level: Callable[[int], None]) -> None:
    """Bind every key of the table to ``actions[action]``, and the digits to ``level(digit)``."""
    for action, keys, _ in BINDINGS:
        for key in keys:
            _bind(window, key, actions[action])
    for digit in range(10):
        _bind(window, str(digit), partial(level, digit))


def _bind(window: QWidget, key: str, action: Callable[[], object]) -> None:
    shortcut = QShortcut(QKeySequence(key), window)
    shortcut.setAutoRepeat(key in "+-=,.")
    shortcut.activated.connect(action)


#: most characters of a voice's name in the list of keys, where two stand in one line
ROOM = 12


class ShortcutsOverlay(QWidget):
    """A card over the dimmed window; Escape or a click hides it.

    Args:
        parent: the window.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._lines: list[tuple[QLabel, str]] = []
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
        columns.setSpacing(32)
        column.addLayout(columns)
        bound = [(" or ".join(keys).replace("-", "−"), text) for _, keys, text in BINDINGS]
        after = [action for action, _, _ in BINDINGS].index("both") + 1
        lines = [*_FIRST_LINES, *bound[:after], *((key, text) for key, _, text in HELD), *bound[after:]]
        half = -(-len(lines) // 2)
        for part in (lines[:half], lines[half:]):
            grid = QGridLayout()
            grid.setHorizontalSpacing(18)
            grid.setVerticalSpacing(5)
            for row, (keys, text) in enumerate(part):
                key, what = QLabel(keys), QLabel(text)
                key.setProperty("role", "figure")
                what.setProperty("role", "muted")
                self._lines.append((what, text))
                grid.addWidget(key, row, 0, Qt.AlignmentFlag.AlignRight)
                grid.addWidget(what, row, 1)
            grid.setRowStretch(half, 1)
            columns.addLayout(grid)
        self.show_names(DEFAULTS)
        self.hide()

    def show_names(self, names: tuple[str, str]) -> None:
        """Use other names of the voices."""
        voice1, voice2 = (in_text(name if len(name) <= ROOM else name[: ROOM - 1] + "…") for name in names)
        for label, text in self._lines:
            label.setText(text.format(voice1=voice1, voice2=voice2))

    def toggle(self) -> None:
        """Show over the whole window, or hide."""
        if self.isVisible():
            self.hide()
        else:
            self.setGeometry(self._window.rect())
            self.show()
            self.raise_()
            self.setFocus()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        self.hide()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        self.hide()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        QPainter(self).fillRect(self.rect(), QColor(0, 0, 0, 150))
