"""Small icons that are drawn in the theme's colour: no files, and sharp at every scale."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

_SIDE = 16  # every icon is drawn on a square of this side


def icon(name: str, colour: str, checked_colour: str | None = None, checked_name: str | None = None) -> QIcon:
    """The icon ``name`` (a key of the table below).

    ``checked_colour``, and ``checked_name`` where the shape changes too, are used while its button is checked.
    """
    result = QIcon(_pixmap(name, colour))
    if checked_colour:
        result.addPixmap(_pixmap(checked_name or name, checked_colour), QIcon.Mode.Normal, QIcon.State.On)
    return result


def _pixmap(name: str, colour: str) -> QPixmap:
    scale = 4
    pixmap = QPixmap(_SIDE * scale, _SIDE * scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(scale, scale)
    painter.setPen(QPen(QColor(colour), 1.6, cap=Qt.PenCapStyle.RoundCap, join=Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(QColor(colour))
    _SHAPES[name](painter)
    painter.end()
    return pixmap


def _play(painter: QPainter) -> None:
    painter.drawPolygon(QPolygonF([QPointF(4.5, 3), QPointF(13, 8), QPointF(4.5, 13)]))


def _pause(painter: QPainter) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    for x in (3.5, 9.5):
        painter.drawRoundedRect(QRectF(x, 2.5, 3.4, 11), 1, 1)


def _record(painter: QPainter) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawEllipse(QRectF(3, 3, 10, 10))


def _stop(painter: QPainter) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawRoundedRect(QRectF(3.5, 3.5, 9, 9), 1.5, 1.5)


def _rescan(painter: QPainter) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawArc(QRectF(3, 3, 10, 10), 60 * 16, 290 * 16)
    painter.setBrush(painter.pen().color())
    painter.drawPolygon(QPolygonF([QPointF(9.2, 1.4), QPointF(13.2, 3.4), QPointF(9.6, 6.2)]))


def _reset(painter: QPainter) -> None:
    painter.translate(_SIDE, 0)
    painter.scale(-1, 1)
    _rescan(painter)


def _spectrogram(painter: QPainter) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    for x, top, height in ((2, 6, 7), (5, 3, 3), (5, 8, 5), (8, 5, 4), (8, 11, 2), (11, 2, 4), (11, 8, 5)):
        painter.drawRect(QRectF(x, top, 2.2, height))


def _waveform(painter: QPainter) -> None:
    for x, half in ((2.5, 1.5), (5.25, 4.5), (8, 2.5), (10.75, 5.5), (13.5, 2)):
        painter.drawLine(QPointF(x, 8 - half), QPointF(x, 8 + half))


def _presentation(painter: QPainter) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(1.8, 2.5, 12.4, 8.5), 1.2, 1.2)
    painter.drawLine(QPointF(8, 11), QPointF(8, 14))
    painter.drawLine(QPointF(5, 14), QPointF(11, 14))


def _help(painter: QPainter) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    path = QPainterPath(QPointF(5.2, 5.4))
    path.cubicTo(QPointF(5.2, 1.6), QPointF(11, 1.6), QPointF(11, 5.2))
    path.cubicTo(QPointF(11, 7.4), QPointF(8, 7.4), QPointF(8, 10))
    painter.drawPath(path)
    painter.drawPoint(QPointF(8, 13.2))


def _lab(painter: QPainter) -> None:
    """A stopwatch."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QRectF(2.8, 4, 10.4, 10.4))
    painter.drawLine(QPointF(6.4, 1.6), QPointF(9.6, 1.6))
    painter.drawLine(QPointF(8, 9.2), QPointF(10.2, 6.8))


def _headphones(painter: QPainter) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawArc(QRectF(2.5, 2.5, 11, 12), 0, 180 * 16)
    for x in (1.8, 11.2):
        painter.drawRoundedRect(QRectF(x, 8.5, 3, 5), 1.2, 1.2)


def _cone(painter: QPainter) -> None:
    painter.drawPolygon(
        QPolygonF([QPointF(2, 6), QPointF(4.5, 6), QPointF(8, 3), QPointF(8, 13), QPointF(4.5, 10), QPointF(2, 10)])
    )
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _loudspeaker(painter: QPainter) -> None:
    _cone(painter)
    for radius in (2.5, 5.0):
        painter.drawArc(QRectF(8.5 - radius, 8 - radius, 2 * radius, 2 * radius), -50 * 16, 100 * 16)


def _muted(painter: QPainter) -> None:
    _cone(painter)
    painter.drawLine(QPointF(10.5, 6), QPointF(14.5, 10))
    painter.drawLine(QPointF(14.5, 6), QPointF(10.5, 10))


def _loop(painter: QPainter) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(2, 5, 12, 7.5), 3.5, 3.5)
    painter.setBrush(painter.pen().color())
    painter.drawPolygon(QPolygonF([QPointF(7, 2.6), QPointF(10.4, 5), QPointF(7, 7.4)]))


def _round_trip(painter: QPainter) -> None:
    for y, tip, tail in ((5, 13.5, 2.5), (11, 2.5, 13.5)):
        back = 3 if tip > tail else -3
        painter.drawLine(QPointF(tail, y), QPointF(tip, y))
        painter.drawPolyline(QPolygonF([QPointF(tip - back, y - 2.6), QPointF(tip, y), QPointF(tip - back, y + 2.6)]))


def _colours(painter: QPainter) -> None:
    """A circle, half of it filled."""
    painter.drawChord(QRectF(2.5, 2.5, 11, 11), 90 * 16, 180 * 16)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QRectF(2.5, 2.5, 11, 11))


def _more(painter: QPainter) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF([QPointF(4, 6.5), QPointF(8, 10.5), QPointF(12, 6.5)]))


_SHAPES: dict[str, Callable[[QPainter], None]] = {
    "play": _play,
    "pause": _pause,
    "record": _record,
    "stop": _stop,
    "rescan": _rescan,
    "reset": _reset,
    "spectrogram": _spectrogram,
    "waveform": _waveform,
    "presentation": _presentation,
    "help": _help,
    "lab": _lab,
    "headphones": _headphones,
    "loudspeaker": _loudspeaker,
    "muted": _muted,
    "loop": _loop,
    "round_trip": _round_trip,
    "colours": _colours,
    "more": _more,
}
