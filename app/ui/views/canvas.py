"""A widget that shows a :class:`~app.ui.views.columns.ColumnRing`, one device pixel for each column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPoint, QRect, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from PyQt6.QtWidgets import QWidget

from ..theme import DARK, Theme, colour_table
from .columns import ColumnRing


def image_over(pixels: NDArray[np.uint32]) -> QImage:
    """An image over the memory of ``pixels`` ``(height, width)`` as ``0xffRRGGBB``, which has to be kept alive."""
    height, width = pixels.shape
    image: QImage = QImage(  # type: ignore[call-overload]  # PyQt's stubs know no buffers but bytes
        pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32
    )
    return image


def paint_pixels(painter: QPainter, image: QImage, ratio: float, part: QRect) -> None:
    """Copy a part of an image to the upper left corner, one pixel to each device pixel.

    Drawing an image that has a device pixel ratio takes three times as long: Qt scales it, by 1.

    Args:
        ratio: device pixels of a logical pixel.
        part: of the image, in its pixels.
    """
    painter.save()
    painter.scale(1 / ratio, 1 / ratio)
    painter.drawImage(QPoint(0, 0), image, part)
    painter.restore()


class Canvas(QWidget):
    """Columns that scroll in from the right; the newest is at the right edge.

    The ring holds values, and a second one their colours, which are the pixels of an image. So scrolling copies
    nothing, and painting converts nothing.
    """

    #: the size in device pixels has changed, and the columns were removed
    resized = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(120, 48)
        self.ring = ColumnRing(1, 4)
        self._theme, self._colour, self._message = DARK, DARK.mixture, ""
        self._table = colour_table(self._theme, self._colour)
        self._coloured, self._image = ColumnRing(1, 4, np.uint32), QImage()
        self.warning = ""

    def set_colour(self, theme: Theme, colour: str) -> None:
        """Draw with ``colour`` on the plot background of ``theme``."""
        self._theme, self._colour = theme, colour
        self._table = colour_table(theme, colour)
        self._coloured.buffer[:] = self._table[self.ring.buffer]
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
            columns = columns[: self.ring.rows]
            self.ring.append(columns)
            self._coloured.append(self._table[columns])
            self.update()

    def clear(self) -> None:
        """Remove every column."""
        ratio = self.devicePixelRatioF()
        rows, width = max(1, round(self.height() * ratio)), max(4, round(self.width() * ratio))
        self.ring = ColumnRing(rows, width)
        self._coloured = ColumnRing(rows, width, np.uint32)
        self._image = image_over(self._coloured.buffer)
        self.set_colour(self._theme, self._colour)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        self.clear()
        self.resized.emit()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        part = QRect(self.ring.start, 0, self.ring.width, self.ring.rows)
        paint_pixels(painter, self._image, self.devicePixelRatioF(), part)
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
