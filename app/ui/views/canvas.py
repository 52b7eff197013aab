"""A widget that shows a :class:`~app.ui.views.columns.ColumnRing`, one device pixel a column."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QRect, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QWidget

from ..theme import DARK, Theme, colour_table
from .columns import ColumnRing


class Canvas(QWidget):
    """Columns scroll in from the right; the newest is at the right edge.

    The bytes of the ring are the pixels of an indexed image, so that scrolling copies nothing and another theme or
    colour is another colour table.
    """

    #: the size in device pixels has changed and the columns are gone
    resized = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(120, 48)
        self.ring = ColumnRing(1, 4)
        self._theme, self._colour, self._image, self._message = DARK, DARK.mixture, QImage(), ""

    def set_colour(self, theme: Theme, colour: str) -> None:
        """Draw with ``colour`` on the plot ground of ``theme``."""
        self._theme, self._colour = theme, colour
        self._image.setColorTable(colour_table(theme, colour).tolist())
        self.update()

    def set_message(self, message: str) -> None:
        """A few words in the middle while there is nothing to show."""
        self._message = message
        self.update()

    def append(self, columns: np.ndarray) -> None:
        """Add ``columns`` (at least the canvas's rows, n) uint8 at the right edge."""
        if columns.shape[1]:
            self.ring.append(columns[: self.ring.rows])
            self.update()

    def clear(self) -> None:
        """Forget every column."""
        ratio = self.devicePixelRatioF()
        rows, width = max(1, round(self.height() * ratio)), max(4, round(self.width() * ratio))
        self.ring = ColumnRing(rows, width)
        buffer = self.ring.buffer
        self._image = QImage(buffer.data, buffer.shape[1], rows, buffer.shape[1], QImage.Format.Format_Indexed8)
        self.set_colour(self._theme, self._colour)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        self.clear()
        self.resized.emit()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        visible = self._image.copy(QRect(self.ring.start, 0, self.ring.width, self.ring.rows))
        opaque = visible.convertToFormat(QImage.Format.Format_RGB32)
        opaque.setDevicePixelRatio(self.devicePixelRatioF())
        painter.drawImage(0, 0, opaque)
        if self._message and self.ring.filled == 0:
            painter.setPen(QColor(self._theme.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._message)
