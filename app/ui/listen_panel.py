"""What is heard: routing, gain and mute."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from .facts import signed
from .icons import icon
from .segmented import Segmented
from .theme import Theme

#: routing, label, what it does, key
ROUTES = (
    ("mixture", "Mix", "The mixture, as it came in (Q)"),
    ("voice1", "Voice 1", "The first voice only (W)"),
    ("voice2", "Voice 2", "The second voice only (E)"),
    ("split", "Split", "Voice 1 on the left, voice 2 on the right (T)"),
    ("both", "Both", "Both voices together (Y)"),
)


class GainSlider(QSlider):
    """Decibels; a double click sets 0 dB."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setObjectName("gain")
        self.setRange(-24, 12)
        self.setPageStep(3)
        self.setMinimumHeight(22)
        self.setAccessibleName("Output gain in decibels")
        self.setToolTip("Output gain in decibels; double click for 0 dB")

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        self.setValue(0)


class ListenPanel(QFrame):
    """Routing as a row of buttons, the output gain, and mute."""

    routing_asked = pyqtSignal(str)
    gain_asked = pyqtSignal(float)
    mute_asked = pyqtSignal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.routing = Segmented(ROUTES, "Listen to")
        self.gain, self.mute = GainSlider(), QPushButton()
        self.mute.setCheckable(True)
        self.mute.setProperty("role", "icon")
        self.mute.setAccessibleName("Mute")
        self.mute.setToolTip("Silence the output; everything else goes on (M)")
        self.mute.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._title, self._caption, self._value = QLabel("Listen to"), QLabel("Gain"), QLabel("0 dB")
        self._title.setProperty("role", "title")
        self._caption.setProperty("role", "muted")
        self._value.setProperty("role", "figure")
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 10)
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self.routing)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self._caption)
        row.addWidget(self.gain, stretch=1)
        row.addWidget(self._value)
        row.addWidget(self.mute)
        column.addLayout(row)
        self._value.setMinimumWidth(self._value.fontMetrics().horizontalAdvance("+00 dB "))
        self.routing.chosen.connect(self.routing_asked)
        self.gain.valueChanged.connect(self._gain_changed)
        self.mute.clicked.connect(self.mute_asked)

    def set_theme(self, theme: Theme) -> None:
        """Draw the icon in the theme's colours."""
        self.mute.setIcon(icon("loudspeaker", theme.text, theme.card, checked_name="muted"))

    def set_presentation(self, on: bool) -> None:
        """Hide what cannot be read from the last row of seats."""
        for small in (self._title, self._caption, self.gain, self._value, self.mute):
            small.setVisible(not on)

    def show_gain(self, db: float) -> None:
        """Set the slider without announcing it."""
        self.gain.blockSignals(True)
        self.gain.setValue(round(db))
        self.gain.blockSignals(False)
        self._show_value()

    def show_mute(self, on: bool) -> None:
        """Press the button without announcing it."""
        self.mute.setChecked(on)

    def _gain_changed(self, db: int) -> None:
        self._show_value()
        self.gain_asked.emit(float(db))

    def _show_value(self) -> None:
        db = self.gain.value()
        self._value.setText("0 dB" if db == 0 else f"{signed(db)[:-2]} dB")
