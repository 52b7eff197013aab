"""Facts about this computer, as they are in every report."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QWidget

from sepprune.bench.facts import Fact, fact_text

from ..labels import label
from .parts import Card, button


class FactsCard(Card):
    """A table of facts; those that are not known say why."""

    refresh_asked = pyqtSignal()
    save_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("This computer", parent)
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setAccessibleName("Facts about this computer")
        self.refresh = button("Read again", "Read the facts again: load, frequency and battery change")
        self.save = button(
            "Save live report …", "Write chunk times and latency of the live sound, and these facts (Ctrl+S)"
        )
        row = QHBoxLayout()
        row.addWidget(self.refresh)
        row.addStretch(1)
        row.addWidget(self.save)
        self.column.addWidget(self.area, stretch=1)
        self.column.addLayout(row)
        self.refresh.clicked.connect(self.refresh_asked)
        self.save.clicked.connect(self.save_asked)

    def show_facts(self, facts: Mapping[str, Fact]) -> None:
        """Show facts by name, the known ones first."""
        table = QWidget()
        table.setObjectName("facts")
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, 6, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        ordered = sorted(facts.items(), key=lambda item: item[1]["value"] is None)
        for row, (name, fact) in enumerate(ordered):
            known = fact["value"] is not None
            value = label(fact_text(fact), "" if known else "muted", wrap=True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(label(name.replace("_", " "), "muted"), row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1, Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(len(ordered), 1)
        self.area.setWidget(table)
