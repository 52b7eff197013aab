"""The slider of the ladder: one tick for each level, dense on the left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetrics, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSlider, QToolTip, QWidget

from ..engine.facts import LevelFacts
from .facts import fact_rows
from .theme import DARK, Theme


class Label(NamedTuple):
    """A label below a tick: its text, left edge and width in pixels, and whether its level is the current one."""

    text: str
    left: float
    width: float
    here: bool


class LevelSlider(QSlider):
    """A slider that jumps to the tick under the mouse; arrows, wheel, Home and End work as in every slider."""

    _INSET = 18

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, 0)
        self.setPageStep(1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Pruning level")
        self.setToolTip("Levels of the ladder, from dense to lightest")
        self.setAccessibleDescription("0 is the dense separator; higher levels compute less")
        self.levels: Sequence[LevelFacts] = ()
        self.chunk_ms: Mapping[int, float] = {}
        self._theme = DARK

    def set_theme(self, theme: Theme) -> None:
        """Take colours and text size."""
        self._theme = theme
        self.updateGeometry()
        self.update()

    def set_levels(self, levels: Sequence[LevelFacts]) -> None:
        """One tick for each level."""
        self.levels = levels
        self.setRange(0, max(0, len(levels) - 1))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 28 + self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def tick_position(self, level: int) -> QPointF:
        """Centre of a level's tick."""
        span = self.width() - 2 * self._INSET
        return QPointF(self._INSET + span * level / max(1, self.maximum()), 12.0)

    def nearest_level(self, x: float) -> int:
        """The level whose tick is closest to ``x``."""
        span = max(1, self.width() - 2 * self._INSET)
        return min(max(round((x - self._INSET) / span * self.maximum()), 0), self.maximum())

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self.setValue(self.nearest_level(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and self.isSliderDown():
            self.setValue(self.nearest_level(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        self.setSliderDown(False)

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and self.levels:
            level = self.nearest_level(event.pos().x())
            lines = [f"Level {level}, {self.levels[level].name}"]
            lines += [f"{name}: {value}" for name, value, _ in fact_rows(self.levels, level, self.chunk_ms)]
            QToolTip.showText(event.globalPos(), "\n".join(lines), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, theme = QPainter(self), self._theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        enabled = self.isEnabled() and bool(self.levels)
        first, last, here = (self.tick_position(k) for k in (0, self.maximum(), self.value()))
        painter.setPen(QPen(QColor(theme.border), 3, cap=Qt.PenCapStyle.RoundCap))
        painter.drawLine(first, last)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.muted if enabled else theme.faint))
        for facts in self.levels:  # the area of a tick is proportional to the level's multiply-adds
            radius = max(1.8, 6.5 * facts.share**0.5)
            painter.drawEllipse(self.tick_position(facts.level), radius, radius)
        if not self.levels:
            return
        painter.setBrush(QColor(theme.card))
        painter.setPen(QPen(QColor(theme.compute if enabled else theme.faint), 3.0))
        painter.drawEllipse(here, 8.0, 8.0)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.text), 1.2))
            painter.drawEllipse(here, 11.0, 11.0)
        self._draw_labels(painter)

    def labels(self) -> list[Label]:
        """The labels below the ticks, that of the current level first.

        Where not all of them have room, the percent sign is left out, and then the word for dense: the headline above
        has them. Only where that is not enough, labels that would touch another one are left out.
        """
        labels: list[Label] = []
        for word, percent, gap in ((True, True, 6), (True, False, 6), (False, False, 4)):
            labels = self._placed(word, percent, gap)
            if len(labels) == len(self.levels):
                break
        return labels

    def _placed(self, word: bool, percent: bool, gap: int) -> list[Label]:
        """As many labels as have room, with ``gap`` pixels between two; the current level and both ends first.

        Args:
            word: write out dense, in place of 0.
            percent: write the percent sign at the current level.
            gap: in pixels.
        """
        placed: list[Label] = []
        order = [self.value(), 0, self.maximum(), *range(self.maximum() + 1)]
        for level in dict.fromkeys(order):
            if level >= len(self.levels):
                continue
            here = level == self.value()
            name = self.levels[level].name
            text = name if here and percent else name.removesuffix(" %")
            if level == 0 and not word:
                text = "0"
            width = QFontMetrics(self._font(here)).horizontalAdvance(text) + 2
            left = min(max(self.tick_position(level).x() - width / 2, 0), self.width() - width)
            if all(left + width + gap <= each.left or left >= each.left + each.width + gap for each in placed):
                placed.append(Label(text, left, width, here))
        return placed

    def _font(self, bold: bool) -> QFont:
        font = QFont(self.font())
        font.setBold(bold)
        return font

    def _draw_labels(self, painter: QPainter) -> None:
        for label in self.labels():
            painter.setFont(self._font(label.here))
            painter.setPen(QColor(self._theme.text if label.here else self._theme.muted))
            height = painter.fontMetrics().height()
            painter.drawText(QRectF(label.left, 26, label.width, height), Qt.AlignmentFlag.AlignHCenter, label.text)
