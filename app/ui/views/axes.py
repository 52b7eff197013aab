"""The gutter on the left of a view (name, level, axis), and the time axis below all views."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QColor, QContextMenuEvent, QFont, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QWidget

from ..theme import DARK, Theme

#: a mouse button that is down for this many milliseconds is held, not clicked
HOLD_MS = 250


class Gutter(QWidget):
    """Name and axis of one plot.

    Attributes:
        caption: the words below the name.
    """

    clicked = pyqtSignal()
    #: True when the mouse button is held down, False when it is released after that
    held = pyqtSignal(bool)
    #: the user wants another name
    renaming_asked = pyqtSignal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self._theme, self._colour, self._heard, self.caption = DARK, DARK.mixture, False, ""
        self._ticks: list[tuple[float, str]] = []
        self._holding = False
        self._hold_timer = QTimer(self)
        self._hold_timer.setSingleShot(True)
        self._hold_timer.setInterval(HOLD_MS)
        self._hold_timer.timeout.connect(lambda: self._hold(True))
        self.setAccessibleName(name)

    def set_name(self, name: str) -> None:
        """Set the name; one that is too long is shortened at its end."""
        self.name = name
        self.setAccessibleName(name)
        self.update()

    def set_colour(self, theme: Theme, colour: str) -> None:
        """Write the name in ``colour``."""
        self._theme, self._colour = theme, colour
        self.setFixedWidth(gutter_width(self))
        self.update()

    def set_ticks(self, ticks: list[tuple[float, str]]) -> None:
        """Set heights (0 bottom, 1 top) and labels, from the bottom; see :meth:`placed`."""
        self._ticks = ticks
        self.update()

    def set_caption(self, caption: str) -> None:
        """Set the words below the name."""
        if caption != self.caption:
            self.caption = caption
            self.update()

    def set_heard(self, heard: bool) -> None:
        """Mark the view whose signal is heard."""
        if heard != self._heard:
            self._heard = heard
            self.update()

    def placed(self, name_end: float) -> list[tuple[float, str]]:
        """Labels that have room, with their centres in pixels from the top; the ends of the axis come first.

        Args:
            name_end: pixels on the left of the first line that the name needs.
        """
        line, height = self.fontMetrics().height(), self.height()
        free = []
        for position, label in self._ticks:
            y = min(max((1 - position) * height, line / 2 - 2), height - line / 2 + 2)
            left = self.width() - 8 - self.fontMetrics().horizontalAdvance(label)
            if y - line / 2 >= line + 1 or left >= name_end:
                free.append((y, label))
        found: list[tuple[float, str]] = []
        for y, label in [*free[:1], *free[:0:-1][:1], *free[1:-1]]:
            if all(abs(y - other) >= line * 0.95 for other, _ in found):
                found.append((y, label))
        return found

    def _hold(self, holding: bool) -> None:
        self._holding = holding
        self.held.emit(holding)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._hold_timer.start()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if self._holding:
            self._hold(False)
        elif self._hold_timer.isActive():
            self._hold_timer.stop()
            self.clicked.emit()

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        self.renaming_asked.emit()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, theme = QPainter(self), self._theme
        metrics = self.fontMetrics()
        line = metrics.height()
        painter.fillRect(QRectF(0, 2, 3, line * (2.1 if self.caption else 1)), QColor(self._colour))
        bold = QFont(self.font())
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(QColor(self._colour))
        room = round(self.width() - 22 - line * 0.6)  # for the loudspeaker
        name = painter.fontMetrics().elidedText(self.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(9, 1, self.width() - 9, line), Qt.AlignmentFlag.AlignVCenter, name)
        after_name = 14 + painter.fontMetrics().horizontalAdvance(name)
        if self._heard:
            _draw_loudspeaker(painter, after_name, 1 + line / 2, line * 0.6)
        painter.setFont(self.font())
        painter.setPen(QColor(theme.muted))
        painter.drawText(QRectF(9, 1 + line * 1.1, self.width(), line), Qt.AlignmentFlag.AlignVCenter, self.caption)
        for y, label in self.placed(after_name + line * 0.6 + 4):
            width = metrics.horizontalAdvance(label)
            painter.drawText(
                QRectF(self.width() - 8 - width, y - line / 2, width + 1, line), Qt.AlignmentFlag.AlignVCenter, label
            )
            painter.fillRect(QRectF(self.width() - 5, y, 4, 1), QColor(theme.faint))


class TimeAxis(QWidget):
    """Seconds before now, below the views, with now on the right; before the end of the sound while none runs.

    Args:
        pixels_per_second: in logical pixels.
        parent: owner of the widget.
    """

    def __init__(self, pixels_per_second: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rate, self._theme = pixels_per_second, DARK
        self.last = "now"

    def set_theme(self, theme: Theme) -> None:
        """Take colours and text size."""
        self._theme = theme
        self.updateGeometry()
        self.update()

    def set_live(self, live: bool) -> None:
        """Set whether the right edge is now, or the end of sound that has stopped."""
        self.last = "now" if live else "end"
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self.fontMetrics().height() + 3)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, metrics = QPainter(self), self.fontMetrics()
        painter.setPen(QColor(self._theme.muted))
        right = metrics.horizontalAdvance(self.last)
        painter.drawText(QRectF(self.width() - right, 3, right + 1, metrics.height()), 0, self.last)
        for seconds in range(1, self.width() // self._rate + 1):
            x = self.width() - seconds * self._rate
            painter.fillRect(QRectF(x, 0, 1, 4), QColor(self._theme.faint))
            label = f"−{seconds} s"
            width = metrics.horizontalAdvance(label)
            if x - width / 2 > 0:
                painter.drawText(QRectF(x - width / 2, 3, width + 1, metrics.height()), 0, label)


def gutter_width(widget: QWidget) -> int:
    """Width of every gutter in the left column, so that the time axes of the plots agree."""
    return round(widget.fontMetrics().horizontalAdvance("Mixture  00 kHz") * 1.12) + 22


def _draw_loudspeaker(painter: QPainter, x: float, y: float, size: float) -> None:
    """A small loudspeaker of the given height, centred on ``y``, in the pen's colour."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(painter.pen().color())
    painter.setPen(QPen(painter.pen().color(), 1.3))
    outline = ((0, -0.18), (0.2, -0.18), (0.45, -0.45), (0.45, 0.45), (0.2, 0.18), (0, 0.18))
    painter.drawPolygon(QPolygonF([QPointF(x + right * size, y + down * size) for right, down in outline]))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for radius in (0.3, 0.55):
        painter.drawArc(
            QRectF(x + (0.5 - radius) * size, y - radius * size, 2 * radius * size, 2 * radius * size),
            -45 * 16,
            90 * 16,
        )
    painter.restore()
