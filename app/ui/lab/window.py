"""The window of the latency lab: its three cards."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ..theme import Theme, fit_bold, running_application
from .engine_card import EngineCard
from .facts_card import FactsCard
from .measure_card import MeasureCard
from .parts import lab_style


class LabWindow(QWidget):
    """A window of its own beside the main window; Escape closes it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("lab")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("Latency lab – SepPrune Live")
        self.setMinimumSize(820, 520)
        self.resize(960, 620)
        self.measure, self.engine, self.facts = MeasureCard(), EngineCard(), FactsCard()
        left = QVBoxLayout()
        left.setSpacing(10)
        left.addWidget(self.measure)
        left.addWidget(self.engine)
        left.addStretch(1)
        columns = QHBoxLayout(self)
        columns.setContentsMargins(12, 12, 12, 12)
        columns.setSpacing(10)
        columns.addLayout(left, stretch=11)
        columns.addWidget(self.facts, stretch=9)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self).activated.connect(self.close)
        QShortcut(QKeySequence("Ctrl+S"), self).activated.connect(self.facts.save_asked)

    def set_theme(self, theme: Theme) -> None:
        """Take colours and text size."""
        font = running_application().font()
        font.setPointSizeF(theme.points)
        self.setFont(font)
        self.setStyleSheet(lab_style(theme))
        for segment in self.measure.kind.buttons.values():
            fit_bold(segment)
