"""The listen panel: routing, gain and mute."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QFont, QFontMetrics, QMouseEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from ..engine.controls import Controls
from .facts import signed
from .icons import icon
from .segmented import Segmented
from .theme import Theme
from .voice_names import DEFAULTS, in_text

#: routing, label, tooltip with the key
ROUTES = (
    ("mixture", "Mix", "The unprocessed mixture (Q)"),
    ("voice1", DEFAULTS[0], "The first voice only (W)"),
    ("voice2", DEFAULTS[1], "The second voice only (E)"),
    ("split", "Split", "Voice 1 on the left, voice 2 on the right (T)"),
    ("both", "Both", "Both voices together (Y)"),
)


class GainSlider(QSlider):
    """Output gain in dB; a double click sets 0 dB."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setObjectName("gain")
        self.setRange(-24, 12)
        self.setPageStep(3)
        self.setMinimumHeight(22)
        self.setAccessibleName("Output gain in decibels")
        self.setToolTip("Output gain in decibels; double-click to set 0 dB")

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        self.setValue(0)


class ListenPanel(QFrame):
    """Routing as a row of buttons, the output gain, and mute."""

    #: name and wanted value of a control
    control_asked = pyqtSignal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.routing = Segmented(ROUTES, "Listen to")
        self._names = DEFAULTS
        self.gain, self.mute = GainSlider(), QPushButton()
        self.mute.setCheckable(True)
        self.mute.setProperty("role", "icon")
        self.mute.setAccessibleName("Mute")
        self.mute.setToolTip("Silence the output; the separator keeps running (M)")
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
        self.routing.chosen.connect(lambda routing: self.control_asked.emit("routing", routing))
        self.gain.valueChanged.connect(self._gain_changed)
        self.mute.clicked.connect(lambda on: self.control_asked.emit("mute", on))

    def set_theme(self, theme: Theme) -> None:
        """Draw the icon in the theme's colours."""
        self.mute.setIcon(icon("loudspeaker", theme.text, theme.card, checked_name="muted"))
        self.show_names(self._names)  # the room depends on the text size

    def show_names(self, names: tuple[str, str]) -> None:
        """Show other names of the voices; one that is too long is shortened at its end, and whole in the tooltip."""
        self._names = names
        for routing, name, usual, key in zip(("voice1", "voice2"), names, DEFAULTS, "WE", strict=True):
            button = self.routing.buttons[routing]
            bold = QFont(button.font())
            bold.setBold(True)
            metrics = QFontMetrics(bold)
            room = round(1.1 * metrics.horizontalAdvance(usual))
            button.setText(metrics.elidedText(name, Qt.TextElideMode.ElideRight, room))
            button.setToolTip(f"{name} only ({key})")
            button.setAccessibleName(f"Listen to: {name}")
        self.routing.buttons["split"].setToolTip(f"{names[0]} on the left, {in_text(names[1])} on the right (T)")

    def set_presentation(self, on: bool) -> None:
        """Hide what is too small to read from a distance."""
        for small in (self._title, self._caption, self.gain, self._value, self.mute):
            small.setVisible(not on)

    def show_controls(self, controls: Controls) -> None:
        """Show routing, gain and mute; emits nothing."""
        self.routing.show_value(controls.routing)
        self.mute.setChecked(controls.mute)
        self.gain.blockSignals(True)
        self.gain.setValue(round(controls.gain_db))
        self.gain.blockSignals(False)
        self._show_value()

    def step_gain(self, db: int) -> None:
        """Move the gain slider by ``db``."""
        self.gain.setValue(self.gain.value() + db)

    def _gain_changed(self, db: int) -> None:
        self._show_value()
        self.control_asked.emit("gain_db", float(db))

    def _show_value(self) -> None:
        db = self.gain.value()
        self._value.setText("0 dB" if db == 0 else f"{signed(db)[:-2]} dB")
