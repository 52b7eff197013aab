"""The parts of the latency, from microphone to loudspeaker, as one stacked bar."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QWidget

from ..engine.stages import Stage
from .theme import DARK, Theme, blend

#: name of the parts that have no room of their own, most lines of the legend, and fewest and most pixels between parts
_OTHERS, _MOST_LINES, _GAPS = "others", 2, (6, 16)


class LatencyBar(QWidget):
    """The stacked bar and its legend in milliseconds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Parts of the latency")
        self._stages: Sequence[Stage] = ()
        self._figures: Sequence[int] = ()
        self._measured_ms: float | None = None
        self._theme = DARK
        self._line_count, self._fitted = 1, (0, 0)

    def set_theme(self, theme: Theme) -> None:
        """Take colours and text size."""
        self._theme = theme
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, self._line_count * self.fontMetrics().height() + 16)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @property
    def total_ms(self) -> float:
        """Sum of all stages."""
        return sum(stage.ms for stage in self._stages)

    def show_stages(self, shown: Sequence[Stage]) -> None:
        """Show stages, from input to output."""
        self._stages, self._figures = shown, tenths([stage.ms for stage in shown])
        self.setToolTip("\n".join(f"{stage.name}: {stage.ms:.2f} ms, {stage.why}" for stage in shown))
        self.setAccessibleDescription(", ".join(f"{stage.name} {stage.ms:.1f} ms" for stage in shown))
        self._fit()
        self.update()

    def show_measured(self, ms: float | None) -> None:
        """Show the whole latency as a round trip has measured it, or ``None``."""
        self._measured_ms = ms
        self._fit()
        self.update()

    @property
    def total_text(self) -> str:
        """The sum, and the measured latency, as words."""
        measured = "" if self._measured_ms is None else f", {self._measured_ms:.0f} ms measured"
        return f"{sum(self._figures) / 10:.1f} ms in to out{measured}"

    def legend(self) -> list[list[tuple[str, int]]]:
        """Lines of the legend: the words of each part and their widths.

        The figures add up to the sum that is shown; parts that would be 0.0 are left out. Where two lines are too few,
        the shortest parts are added up as others; compute is kept to the last.
        """
        shown = {stage.name: figure for stage, figure in zip(self._stages, self._figures, strict=True) if figure}
        others = 0
        while True:
            parts = {**shown, **({_OTHERS: others} if others else {})}
            lines = self._lines([f"{name} {figure / 10:.1f}" for name, figure in parts.items()])
            if len(lines) <= _MOST_LINES or len(shown) <= 1:
                return lines[:_MOST_LINES]
            others += shown.pop(min(shown, key=lambda name: (name == "compute", shown[name])))

    def _lines(self, words: Sequence[str]) -> list[list[tuple[str, int]]]:
        """Words in lines; the sum stands at the end of the first one."""
        lines: list[list[tuple[str, int]]] = [[]]
        left = self._room(0)
        for word in words:
            width = self.fontMetrics().horizontalAdvance(word) + 13
            if width > left:
                lines.append([])
                left = self._room(1)
            lines[-1].append((word, width))
            left -= width + _GAPS[0]
        return lines

    def _room(self, line: int) -> int:
        """Width for the parts of a line."""
        return self.width() if line else self.width() - self._total_width() - _GAPS[0]

    def _total_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self.total_text) + 2

    def _fit(self) -> None:
        """Take the height of the legend. At one width and text size it only grows, so that nothing moves to and fro."""
        size = (self.width(), self.fontMetrics().height())
        lines = len(self.legend())
        if size == self._fitted:
            lines = max(lines, self._line_count)
        self._fitted = size
        if lines != self._line_count:
            self._line_count = lines
            self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        self._fit()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if not self._stages or self.total_ms <= 0:
            return
        painter, theme, height = QPainter(self), self._theme, self.fontMetrics().height()
        colours = _colours(theme)
        x, scale = 0.0, self.width() / self.total_ms
        for stage in self._stages:
            width = stage.ms * scale
            painter.fillRect(QRectF(x, 0, max(1.0, width - 1), 8), QColor(colours[stage.name]))
            x += width
        right = self._total_width()
        painter.setPen(QColor(theme.text))
        painter.drawText(QRectF(self.width() - right, 13, right, height), 0, self.total_text)
        painter.setPen(QColor(theme.muted))
        for number, line in enumerate(self.legend()):
            x, top = 0.0, 13 + number * height
            free = self._room(number) - sum(room for _, room in line)
            gap = min(_GAPS[1], free / max(1, len(line) - 1))
            for word, room in line:
                if (name := word.rpartition(" ")[0]) in colours:
                    painter.fillRect(QRectF(x, top + height / 2 - 4, 8, 8), QColor(colours[name]))
                painter.drawText(QRectF(x + 12, top, room, height), Qt.AlignmentFlag.AlignLeft, word)
                x += room + gap


def tenths(values: Sequence[float]) -> list[int]:
    """Values in whole tenths that add up to their sum in tenths: the largest remainders are rounded up.

    >>> tenths([8.0, 8.0, 0.24, 0.34, 0.04])
    [80, 80, 2, 4, 0]
    """
    exact = [10 * value for value in values]
    rounded = [math.floor(value) for value in exact]
    order = sorted(range(len(exact)), key=lambda place: rounded[place] - exact[place])
    for place in order[: round(sum(exact)) - sum(rounded)]:
        rounded[place] += 1
    return rounded


def _colours(theme: Theme) -> dict[str, str]:
    return {
        "chunk": blend(theme.card, theme.text, 0.55),
        "algorithmic": blend(theme.card, theme.text, 0.33),
        "queue": theme.transition,
        "compute": theme.compute,
        "cushion": blend(theme.card, theme.compute, 0.45),
        "resamplers": blend(theme.card, theme.text, 0.45),
        "device in": blend(theme.card, theme.voice1, 0.45),
        "device out": blend(theme.card, theme.voice1, 0.7),
    }
