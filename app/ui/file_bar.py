"""Where an input file is: seeking, and a passage that is repeated."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from ..engine.controls import SHORTEST_PASSAGE_S, Controls
from .facts import duration
from .theme import Theme

#: steps of the slider, and seconds that a key seeks
STEPS, SEEK_S = 1000, 5.0


class PassageSlider(QSlider):
    """A slider over the whole file, with the passage marked under it."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.passage: tuple[float, float] | None = None  # as shares of the file
        self.colour = QColor()
        self.setObjectName("gain")  # looks like the other slider of the window
        self.setRange(0, STEPS)
        self.setPageStep(STEPS // 20)
        self.setAccessibleName("Position in the file")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        super().paintEvent(event)
        if self.passage is None:
            return
        painter, width = QPainter(self), self.width() - 12.0
        start, end = (6 + share * width for share in self.passage)
        painter.fillRect(QRectF(start, self.height() - 3, max(3.0, end - start), 3), self.colour)


class FileBar(QFrame):
    """Position of the input file, and its passage. Hidden while a microphone is used."""

    #: name and wanted value of a control
    control_asked = pyqtSignal(str, object)
    #: wanted position in seconds
    seek_asked = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.slider, self.time = PassageSlider(), QLabel()
        self.time.setProperty("role", "figure")
        self.start, self.stop, self.whole = (
            _button("From here", "Repeat from here (I)"),
            _button("To here", "Repeat to here (O)"),
            _button("Whole file", "Play the whole file again (N)"),
        )
        self._position = self._duration = 0.0
        self._passage: tuple[float, float] | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 5, 14, 5)
        row.setSpacing(8)
        for widget in (self.time, self.slider, self.start, self.stop, self.whole):
            row.addWidget(widget, stretch=1 if widget is self.slider else 0)
        self.slider.valueChanged.connect(lambda value: self._seek(value / STEPS * self._duration))
        self.start.clicked.connect(self.mark_start)
        self.stop.clicked.connect(self.mark_end)
        self.whole.clicked.connect(self.clear)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self.slider.colour = QColor(theme.compute)
        self.time.setMinimumWidth(self.time.fontMetrics().horizontalAdvance("00:00 / 00:00"))

    def show_controls(self, controls: Controls) -> None:
        """Show the passage; emits nothing."""
        self._passage = controls.passage
        self.whole.setEnabled(self._passage is not None)
        self._show_passage()

    def show_position(self, position: float, whole: float) -> None:
        """Show position and duration in seconds; a duration of 0 hides the bar. Emits nothing."""
        if whole != self._duration:
            self._duration = whole
            self._show_passage()
        self.setVisible(whole > 0)
        self._position = position
        if whole > 0 and not self.slider.isSliderDown():
            self.slider.blockSignals(True)
            self.slider.setValue(round(STEPS * position / whole))
            self.slider.blockSignals(False)
        self.time.setText(f"{duration(position)} / {duration(whole)}")

    def mark_start(self) -> None:
        """Repeat from the present position, to the end that was marked or to the end of the file."""
        if self._duration > 0:
            start = max(0.0, min(self._position, self._duration - SHORTEST_PASSAGE_S))
            end = self._passage[1] if self._passage is not None else self._duration
            self._ask(start, end if end > start else self._duration)

    def mark_end(self) -> None:
        """Repeat up to the present position, from the start that was marked or from the start of the file."""
        if self._duration > 0:
            end = max(self._position, min(SHORTEST_PASSAGE_S, self._duration))
            start = self._passage[0] if self._passage is not None else 0.0
            self._ask(start if start < end else 0.0, end)

    def clear(self) -> None:
        """Play the whole file."""
        if self._passage is not None:
            self.control_asked.emit("passage", None)

    def jump(self, seconds: float) -> None:
        """Seek by this much, forward or back."""
        self._seek(min(max(0.0, self._position + seconds), self._duration))

    def _ask(self, start: float, end: float) -> None:
        self.control_asked.emit("passage", (start, max(end, start + SHORTEST_PASSAGE_S)))

    def _seek(self, seconds: float) -> None:
        if self._duration > 0:
            self.seek_asked.emit(seconds)

    def _show_passage(self) -> None:
        if self._passage is None or self._duration <= 0:
            self.slider.passage = None
        else:
            start, end = self._passage
            self.slider.passage = (min(1.0, start / self._duration), min(1.0, end / self._duration))
            self.slider.setAccessibleDescription(f"seconds {start:.1f} to {end:.1f} are repeated")
        self.slider.update()


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
