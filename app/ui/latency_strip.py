"""Chunk times over time as dots, with the deadline, and the histogram of the dots that are shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, QLineF, QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QToolTip, QWidget

from ..engine.arrays import Frames
from ..engine.statistics import cause_of
from ..engine.telemetry import BYPASS, DEADLINE_MISS, FRAME, TRANSITION, WARM_UP, joined
from .theme import DARK, Theme, blend
from .views.canvas import image_over, paint_pixels
from .views.columns import ColumnRing
from .views.tracks import PIXELS_PER_SECOND

#: octaves shown above and below the deadline
ABOVE, BELOW = 2, 6

#: pixel values of the kinds of dots
_NORMAL, _FADED, _TRANSITION, _MISS = 1, 2, 3, 4

#: chunks that are kept
_KEPT = 4096

#: logical pixels between the pointer and the dot that it means
_REACH = 6.0


def height_of(ms: NDArray[np.float64] | float, deadline_ms: float) -> NDArray[np.float64]:
    """Position on the logarithmic axis: 0 at the bottom, 1 at the top; of the shape of ``ms``."""
    octaves = np.log2(np.maximum(ms, 1e-6) / deadline_ms) + BELOW
    return np.clip(np.asarray(octaves / (ABOVE + BELOW), np.float64), 0.0, 1.0)


def axis_ticks(deadline_ms: float) -> list[tuple[float, str]]:
    """Heights and labels two octaves apart, up to the deadline; the name of the plot is above it."""
    steps = [deadline_ms * 2.0**octave for octave in range(-BELOW, 1, 2)]
    return [(float(height_of(ms, deadline_ms)), f"{written(ms)} ms") for ms in steps]


def written(ms: float) -> str:
    """Milliseconds with three digits, or all of them before the point, never with an exponent."""
    return f"{ms:.0f}" if ms >= 100 else f"{float(f'{ms:.3g}'):g}"


def missed(frames: Frames) -> NDArray[np.bool_]:
    """Which chunks count as missed deadlines ``(n,)``: the first ones after a start are warm-up and do not."""
    flags = frames["flags"].astype(int)
    counted: NDArray[np.bool_] = (flags & (DEADLINE_MISS | WARM_UP)) == DEADLINE_MISS
    return counted


class LatencyStrip(QWidget):
    """Dots on the time axis of the sound views, drawn by NumPy into an image that scrolls: each chunk is drawn once.

    Attributes:
        deadline_ms: duration of a chunk.
        frames: the chunks that are kept.
        colours: of the ground and of each kind of dot, 0xffrrggbb.
        picture: the dots in device pixels.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(120, 56)
        self.setAccessibleName("Chunk time of each chunk over time")
        self.setToolTip(
            "Each dot is the chunk time of one chunk in milliseconds, on a logarithmic axis.\n"
            "Dashed line: the deadline, which is the duration of a chunk. Violet: two levels run during a switch.\n"
            "Large: a missed deadline; point at it to see why. Pale: warm-up or bypass."
        )
        self.deadline_ms = 8.0
        self.frames: Frames = np.zeros(0, FRAME)
        self.picture, self._image, self._ratio = ColumnRing(1, 4, np.uint32), QImage(), 1.0
        self._right: int | None = None  # the newest chunk's column, counted from the engine's first chunk
        self.set_theme(DARK)

    def set_theme(self, theme: Theme) -> None:
        """Take colours."""
        self._theme = theme
        pale = blend(theme.well, theme.compute, 0.35)
        self.colours = [QColor(each).rgb() for each in (theme.well, theme.compute, pale, theme.transition, theme.miss)]
        self._grid = QColor(blend(theme.well, theme.text, 0.08))
        self._redraw()

    def set_deadline(self, milliseconds: float) -> None:
        """Take the duration of a chunk."""
        if milliseconds != self.deadline_ms:
            self.deadline_ms = milliseconds
            self._redraw()

    def clear(self) -> None:
        """Remove every chunk."""
        self.frames = np.zeros(0, FRAME)
        self._redraw()

    def feed(self, frames: Frames) -> None:
        """Add rows of :data:`~app.engine.telemetry.FRAME`."""
        if len(frames):
            self.frames = joined([self.frames, frames])[-_KEPT:]
            if (self.picture.rows, self.picture.width) == self._pixels():
                self._draw(frames)
            else:
                self._redraw()
            self.update()

    def shown(self) -> tuple[Frames, NDArray[np.float64]]:
        """The chunks in view, and their distances from the right edge in logical pixels."""
        if not len(self.frames):
            return self.frames, np.zeros(0)
        pixels = self.deadline_ms / 1000 * PIXELS_PER_SECOND
        index = self.frames["index"]
        first = int(np.searchsorted(index, index[-1] - (self.width() - 4) / pixels))
        return self.frames[first:], (index[-1] - index[first:]) * pixels

    def late_chunk_at(self, x: float) -> str | None:
        """Why the late chunk nearest to a horizontal position was late; ``None`` where there is none near."""
        frames, back = self.shown()
        late = np.flatnonzero(missed(frames))
        away = np.abs(self.width() - 3 - back[late] - x)
        if not len(late) or away.min() > _REACH:
            return None
        row = frames[late[int(np.argmin(away))]]
        cause = cause_of(int(row["flags"])) or "the cause is not known"
        wait_ms, compute_ms = 1000 * (row["t_start"] - row["t_in"]), 1000 * (row["t_done"] - row["t_start"])
        return f"Missed deadline: {cause}. Wait {wait_ms:.1f} ms, chunk time {compute_ms:.1f} ms."

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and (why := self.late_chunk_at(event.pos().x())) is not None:
            QToolTip.showText(event.globalPos(), why, self)
            return True
        return super().event(event)

    def _redraw(self) -> None:
        """Draw every chunk in view anew: size, colours or deadline are others."""
        self._ratio = self.devicePixelRatioF()
        self.picture, self._right = ColumnRing(*self._pixels(), np.uint32), None
        self.picture.buffer[:] = self.colours[0]
        self._image = image_over(self.picture.buffer)
        self._draw(self.shown()[0])
        self.update()

    def _pixels(self) -> tuple[int, int]:
        """Height and width in device pixels."""
        ratio = self.devicePixelRatioF()
        return max(1, round(self.height() * ratio)), max(4, round(self.width() * ratio))

    def _draw(self, frames: Frames) -> None:
        """Move the picture to the left and draw the dots of the newest chunks at its right edge."""
        if not len(frames):
            return
        ratio, picture = self._ratio, self.picture
        columns = np.round(frames["index"] * (self.deadline_ms / 1000 * PIXELS_PER_SECOND * ratio)).astype(int)
        moved = picture.width if self._right is None else int(columns[-1]) - self._right
        self._right = int(columns[-1])
        picture.append(np.full((picture.rows, min(max(moved, 0), picture.width)), self.colours[0], np.uint32))
        flags = frames["flags"].astype(np.uint8)
        ms = 1000 * (frames["t_done"] - frames["t_start"])
        x = picture.width - round(3 * ratio) - (columns[-1] - columns)
        y = (1.0 - height_of(ms, self.deadline_ms)) * (picture.rows - 4 * ratio) + ratio
        kind = np.where(flags & (WARM_UP | BYPASS), _FADED, _NORMAL)
        kind[(flags & TRANSITION) > 0] = _TRANSITION
        kind[missed(frames)] = _MISS
        for value in (_FADED, _NORMAL, _TRANSITION, _MISS):
            chosen = kind == value
            if chosen.any():
                side = round((4 if value == _MISS else 2) * ratio)
                _stamp(picture, np.round(y[chosen]).astype(int), x[chosen], self.colours[value], side)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, theme = QPainter(self), self._theme
        if (self.picture.rows, self.picture.width) != self._pixels():
            self._redraw()
        frames, back = self.shown()
        part = QRect(self.picture.start, 0, self.picture.width, self.picture.rows)
        paint_pixels(painter, self._image, self._ratio, part)
        for octave in range(-BELOW + 2, ABOVE, 2):
            y = round((1 - (octave + BELOW) / (ABOVE + BELOW)) * (self.height() - 4)) + 2
            if octave == 0:
                painter.setPen(QPen(QColor(theme.miss), 1, Qt.PenStyle.DashLine))
                painter.drawLine(QLineF(0, y, self.width(), y))
                painter.drawText(
                    QRectF(6, y - self.fontMetrics().height() - 1, self.width(), 40),
                    0,
                    f"deadline {written(self.deadline_ms)} ms",
                )
            else:
                painter.fillRect(QRectF(0, y, self.width(), 1), self._grid)
        self._draw_level_changes(painter, frames, back)

    def _draw_level_changes(self, painter: QPainter, frames: Frames, back: NDArray[np.float64]) -> None:
        painter.setPen(QColor(self._theme.muted))
        free = float(self.width())
        for at in reversed((np.flatnonzero(np.diff(frames["level"])) + 1).tolist()):
            x = self.width() - float(back[at]) - 3
            label = f"L{int(frames['level'][at])}"
            width = self.fontMetrics().horizontalAdvance(label) + 6
            painter.fillRect(QRectF(x, 0, 1, self.height()), QColor(self._theme.faint))
            if x + width < free:
                painter.drawText(QRectF(x + 3, self.height() - self.fontMetrics().height(), width, 40), 0, label)
            free = x


class Histogram(QWidget):
    """Histogram of the dots that are shown beside it, on the same axis."""

    _BINS = 40

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Histogram of chunk times")
        self.setToolTip("How often each chunk time occurs among the dots on the left")
        self.counts = np.zeros(self._BINS, dtype=int)
        self._theme = DARK

    def set_theme(self, theme: Theme) -> None:
        """Take colours."""
        self._theme = theme
        self.update()

    def show_times(self, ms: NDArray[np.float64], deadline_ms: float) -> None:
        """Count chunk times ``(n,)`` in milliseconds."""
        self.counts = np.histogram(height_of(ms, deadline_ms), self._BINS, (0, 1))[0]
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, greatest = QPainter(self), max(1, int(self.counts.max()))
        step = (self.height() - 4) / self._BINS
        painter.fillRect(QRectF(0, 0, 1, self.height()), QColor(self._theme.border))
        for number in np.flatnonzero(self.counts).tolist():
            length = max(1.5, (self.width() - 2) * float(self.counts[number]) / greatest)
            painter.fillRect(
                QRectF(1, self.height() - 2 - (number + 1) * step, length, step), QColor(self._theme.compute)
            )


def _stamp(picture: ColumnRing, y: NDArray[np.int_], x: NDArray[np.int_], colour: int, side: int) -> None:
    """Set a square of ``side`` pixels at every ``(y, x)`` of the picture's window, kept inside it."""
    rows = np.clip(y, 0, picture.rows - side)
    columns = np.clip(x, 0, picture.width - side)
    for right in range(side):
        place = (picture.start + columns + right) % picture.width
        for down in range(side):
            picture.buffer[rows + down, place] = picture.buffer[rows + down, place + picture.width] = colour
