"""The parts of the latency, from microphone to loudspeaker, as one stacked bar."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from ..engine.stages import Stage
from .theme import DARK, Theme, blend


class LatencyBar(QWidget):
    """The stacked bar and its legend in milliseconds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Parts of the latency")
        self._stages: Sequence[Stage] = ()
        self._measured_ms: float | None = None
        self._theme = DARK

    def set_theme(self, theme: Theme) -> None:
        """Take colours and text size."""
        self._theme = theme
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, self.fontMetrics().height() + 16)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @property
    def total_ms(self) -> float:
        """Sum of all stages."""
        return sum(stage.ms for stage in self._stages)

    def show_stages(self, shown: Sequence[Stage]) -> None:
        """Show stages, from input to output."""
        self._stages = shown
        self.setToolTip("\n".join(f"{stage.name}: {stage.ms:.2f} ms, {stage.why}" for stage in shown))
        self.setAccessibleDescription(", ".join(f"{stage.name} {stage.ms:.1f} ms" for stage in shown))
        self.update()

    def show_measured(self, ms: float | None) -> None:
        """Show the whole latency as a round trip has measured it, or ``None``."""
        self._measured_ms = ms
        self.update()

    @property
    def total_text(self) -> str:
        """The sum, and the measured latency, as words."""
        measured = "" if self._measured_ms is None else f", {self._measured_ms:.0f} ms measured"
        return f"{self.total_ms:.0f} ms in to out{measured}"

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if not self._stages or self.total_ms <= 0:
            return
        painter, theme, metrics = QPainter(self), self._theme, self.fontMetrics()
        colours = _colours(theme)
        x, scale = 0.0, self.width() / self.total_ms
        for stage in self._stages:
            width = stage.ms * scale
            painter.fillRect(QRectF(x, 0, max(1.0, width - 1), 8), QColor(colours[stage.name]))
            x += width
        total = self.total_text
        right = metrics.horizontalAdvance(total) + 2
        painter.setPen(QColor(theme.text))
        painter.drawText(QRectF(self.width() - right, 13, right, metrics.height()), 0, total)
        words, widths = self._legend(self.width() - right - 14)
        gap = min(16.0, (self.width() - right - 14 - sum(widths)) / len(words))
        x = 0.0
        for (name, word), width in zip(words, widths, strict=True):
            painter.fillRect(QRectF(x, 13 + metrics.height() / 2 - 4, 8, 8), QColor(colours[name]))
            painter.setPen(QColor(theme.muted))
            painter.drawText(QRectF(x + 12, 13, width, metrics.height()), Qt.AlignmentFlag.AlignLeft, word)
            x += width + gap

    def _legend(self, room: int) -> tuple[list[tuple[str, str]], list[int]]:
        """Stages with their labels, and the widths of these.

        Where ``room`` pixels are too few, the decimals are left out, then the shortest stages one by one; compute is
        kept to the last.
        """
        shown = list(self._stages)
        digits = 1
        while True:
            words = [(stage.name, f"{stage.name} {stage.ms:.{digits}f}") for stage in shown]
            widths = [self.fontMetrics().horizontalAdvance(word) + 13 for _, word in words]
            if sum(widths) + 6 * len(words) <= room or len(shown) == 1:
                return words, widths
            if digits:
                digits = 0
            else:
                shown.remove(min(shown, key=lambda stage: (stage.name == "compute", stage.ms)))


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
