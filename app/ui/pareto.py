"""Quality against computation: every level is a point, and the current one is filled."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFont, QFontMetrics, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from ..engine.facts import LevelFacts
from .theme import DARK, Theme, blend


class ParetoPlot(pg.PlotWidget):  # type: ignore[misc]  # pyqtgraph has no types
    """SI-SDRi (dB) over multiply-adds per second. A click on a point chooses its level."""

    level_asked = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        self._levels: list[LevelFacts] = []
        super().__init__(parent)
        self.setAccessibleName("Quality against computation of every level")
        self.setMinimumSize(160, 96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseEnabled(False, False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self._theme, self._level = DARK, 0
        self._line = self.plot([], [], antialias=True)
        self._points = pg.ScatterPlotItem(pxMode=True, antialias=True)
        self._points.sigClicked.connect(lambda _, points: self.level_asked.emit(int(points[0].data())))
        self.addItem(self._points)
        self.hide()

    @property
    def condition(self) -> str:
        """The condition that is plotted: the first one for which every level has a value, or empty."""
        if not self._levels:
            return ""
        everywhere = set.intersection(*(set(each.si_sdri) for each in self._levels))
        return next((name for name in self._levels[0].si_sdri if name in everywhere), "")

    @property
    def title(self) -> str:
        """Title of the vertical axis, as long as its height allows."""
        room = self.height() - self.getAxis("bottom").height() - 2
        metrics = QFontMetrics(self.getAxis("left").label.font())
        titles = (f"SI-SDRi {self.condition}, dB", "SI-SDRi, dB", "dB")
        return next((text for text in titles if metrics.horizontalAdvance(text) <= room), titles[-1])

    def set_levels(self, levels: Sequence[LevelFacts]) -> None:
        """Plot the ladder; the plot is hidden where the quality was not measured."""
        self._levels = list(levels)
        self.setVisible(bool(self.condition))
        if self.condition:
            self.setToolTip(
                f"Each point is a level: SI-SDR improvement ({self.condition}) in dB over millions of multiply-adds "
                "per second.\nClick a point to choose its level."
            )
            macs, gains = self._macs(), self._gains()
            margin = max(0.5, 0.18 * (max(gains) - min(gains)))
            self.setXRange(0, 1.08 * max(macs), padding=0)
            self.setYRange(min(gains) - margin, max(gains) + margin, padding=0)
        self._draw()

    def set_level(self, level: int) -> None:
        """Fill the point of the current level."""
        self._level = level
        self._draw()

    def set_theme(self, theme: Theme) -> None:
        """Take colours and text size."""
        self._theme = theme
        self.setBackground(theme.card)
        font = QFont(self.font())
        font.setPointSizeF(theme.points * 0.85)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(theme.border, width=1))
            axis.setTextPen(theme.muted)
            axis.setStyle(tickFont=font, tickLength=-4, tickTextOffset=4)
            axis.label.setFont(font)
        self.getAxis("bottom").setHeight(round(2.5 * QFontMetrics(font).height()))
        self._draw()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if self.plotItem is not None:  # it has none after it was closed
            self._draw()

    def _draw(self) -> None:
        if not self.condition:
            return
        theme = self._theme
        label = {"color": theme.muted, "font-size": f"{theme.points * 0.85:.1f}pt"}
        self.setLabel("left", self.title, **label)
        self.setLabel("bottom", "million multiply-adds/s", **label)
        self._line.setData(self._macs(), self._gains(), pen=pg.mkPen(blend(theme.card, theme.compute, 0.5), width=1))
        self._points.setData(
            [
                {
                    "pos": point,
                    "data": each.level,
                    "size": 13 if each.level == self._level else 7,
                    "brush": pg.mkBrush(QColor(theme.compute if each.level == self._level else theme.card)),
                    "pen": pg.mkPen(theme.compute, width=1),
                }
                for each, point in zip(self._levels, zip(self._macs(), self._gains(), strict=True), strict=True)
            ]
        )

    def _macs(self) -> list[float]:
        return [each.macs_per_second / 1e6 for each in self._levels]

    def _gains(self) -> list[float]:
        return [each.si_sdri[self.condition] for each in self._levels]
