"""A widget that shows a :class:`~app.ui.views.columns.ColumnRing`, one device pixel for each column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QRect, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from PyQt6.QtWidgets import QWidget

from ..theme import DARK, Theme, colour_table
from .columns import ColumnRing


def indexed_image(pixels: NDArray[np.uint8]) -> QImage:
    """An image without colour table over the memory of ``pixels`` ``(height, width)``, which has to be kept alive."""
    height, width = pixels.shape
    image: QImage = QImage(  # type: ignore[call-overload]  # PyQt's stubs know no buffers but bytes
        pixels.data, width, height, width, QImage.Format.Format_Indexed8
    )
    return image


class Canvas(QWidget):
    """Columns that scroll in from the right; the newest is at the right edge.

    The bytes of the ring are the pixels of an indexed image. So scrolling copies nothing, and another theme or colour
    is another colour table.
    """

    #: the size in device pixels has changed, and the columns were removed
    resized = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(120, 48)
        self.ring = ColumnRing(1, 4)
        self._theme, self._colour, self._image, self._message = DARK, DARK.mixture, QImage(), ""
        self.warning = ""

    def set_colour(self, theme: Theme, colour: str) -> None:
        """Draw with ``colour`` on the plot background of ``theme``."""
        self._theme, self._colour = theme, colour
        self._image.setColorTable(colour_table(theme, colour).tolist())
        self.update()

    def set_message(self, message: str) -> None:
        """Show a few words in the middle while there are no columns."""
        self._message = message
        self.update()

    def set_warning(self, warning: str, explanation: str) -> None:
        """Show one or two words in the upper right corner, beside the meter; empty for none.

        Args:
            warning: the words.
            explanation: tooltip, also for screen readers.
        """
        if warning != self.warning:
            self.warning = warning
            self.setToolTip(explanation)
            self.setAccessibleDescription(explanation)
            self.update()

    def append(self, columns: NDArray[np.uint8]) -> None:
        """Add ``columns`` ``(rows, n)`` at the right edge; rows below those of the canvas are cut off."""
        if columns.shape[1]:
            self.ring.append(columns[: self.ring.rows])
            self.update()

    def clear(self) -> None:
        """Remove every column."""
        ratio = self.devicePixelRatioF()
        rows, width = max(1, round(self.height() * ratio)), max(4, round(self.width() * ratio))
        self.ring = ColumnRing(rows, width)
        self._image = indexed_image(self.ring.buffer)
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
        if self.warning:
            self._draw_warning(painter)

    def _draw_warning(self, painter: QPainter) -> None:
        bold = QFont(self.font())
        bold.setBold(True)
        painter.setFont(bold)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = painter.fontMetrics()
        width, height = metrics.horizontalAdvance(self.warning) + 16, metrics.height() + 6
        box = QRectF(self.width() - width - 6.5, 5.5, width, height)
        painter.setPen(QPen(QColor(self._theme.miss), 1))
        painter.setBrush(QColor(self._theme.card))
        painter.drawRoundedRect(box, 5, 5)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.warning)
