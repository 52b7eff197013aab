"""The level panel: headline, slider, facts, Pareto plot, sweep, fallback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from ..engine.controls import Controls
from ..engine.facts import LevelFacts
from .facts import fact_rows, quantity
from .level_slider import LevelSlider
from .pareto import ParetoPlot
from .theme import Theme, fit_bold

#: rows of facts in presentation mode, so that large type leaves room for the plot
PRESENTED_ROWS = 6


class LevelPanel(QFrame):
    """Chooses a level, and shows its cost and quality.

    The slider shows the level that was chosen last, by the user or by the fallback.
    """

    #: name and wanted value of a control
    control_asked = pyqtSignal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.slider, self.pareto = LevelSlider(), ParetoPlot()
        self.sweep, self.sweep_seconds, self.fallback = QPushButton("Sweep"), QSpinBox(), QPushButton("Fallback")
        self.chunk_ms: Mapping[int, float] = {}
        self._levels: Sequence[LevelFacts] = ()
        self._switch_ms: float | None = None
        self._shown = self._previous = 0
        self._presentation = self._switched = False
        self._headline, self._summary = QLabel("Level"), QLabel()
        self._note = QLabel("The levels appear here as soon as the ladder is loaded.")
        self._facts = QWidget()
        self._fact_grid = QGridLayout(self._facts)
        self._fact_labels: list[tuple[QLabel, QLabel, QLabel]] = []
        self._sweep_timer = QTimer(self)
        self._sweep_timer.timeout.connect(self._step)
        self._sweep_direction = 1
        self._lay_out()
        self.slider.valueChanged.connect(self._chosen)
        self.pareto.level_asked.connect(self.slider.setValue)
        self.setEnabled(False)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 12)
        column.setSpacing(6)
        self._headline.setProperty("role", "headline")
        self._summary.setProperty("role", "muted")
        top = QHBoxLayout()
        top.addWidget(self._headline)
        top.addStretch(1)
        top.addWidget(self._summary, alignment=Qt.AlignmentFlag.AlignBottom)
        column.addLayout(top)
        column.addWidget(self.slider)
        self._fact_grid.setContentsMargins(0, 2, 0, 2)
        self._fact_grid.setHorizontalSpacing(12)
        self._fact_grid.setVerticalSpacing(3)
        self._fact_grid.setColumnStretch(0, 1)
        column.addWidget(self._facts)
        self._note.setProperty("role", "muted")
        self._note.setWordWrap(True)
        column.addWidget(self._note)
        column.addWidget(self.pareto, stretch=1)
        column.addStretch(0)
        self.sweep.setCheckable(True)
        self.sweep.setToolTip("Step through all levels, from dense to lightest and back (G)")
        self.sweep.setAccessibleName("Sweep through the levels")
        self.sweep.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.sweep.toggled.connect(self._set_sweeping)
        self.sweep_seconds.setRange(1, 60)
        self.sweep_seconds.setValue(4)
        self.sweep_seconds.setSuffix(" s")
        self.sweep_seconds.setPrefix("every ")
        self.sweep_seconds.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.sweep_seconds.setAccessibleName("Seconds for each level during the sweep")
        self.sweep_seconds.setToolTip("Seconds for each level during the sweep")
        self.sweep_seconds.valueChanged.connect(lambda seconds: self._sweep_timer.setInterval(1000 * seconds))
        self.fallback.setCheckable(True)
        self.fallback.setToolTip(
            "Switch to a lighter level while chunks miss their deadline, and back after ten seconds without a miss (U)"
        )
        self.fallback.setAccessibleName("Fall back to a lighter level while chunks miss their deadline")
        self.fallback.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.fallback.clicked.connect(lambda on: self.control_asked.emit("fallback", on))
        bottom = QHBoxLayout()
        bottom.addWidget(self.sweep)
        bottom.addWidget(self.sweep_seconds)
        bottom.addStretch(1)
        bottom.addWidget(self.fallback)
        column.addLayout(bottom)

    def set_theme(self, theme: Theme) -> None:
        """Take colours and text size."""
        self.slider.set_theme(theme)
        for button in (self.sweep, self.fallback):
            fit_bold(button)
        self.sweep_seconds.setFixedHeight(self.sweep.sizeHint().height())
        self.pareto.set_theme(theme)

    def set_presentation(self, on: bool) -> None:
        """Hide what is too small to read from a distance."""
        self._presentation = on
        for small in (self.sweep_seconds, self.fallback):
            small.setVisible(not on)
        self._show_facts()

    def show_controls(self, controls: Controls) -> None:
        """Show whether the fallback is on. The level is shown by :meth:`show_level`, since the fallback may differ."""
        self.fallback.setChecked(controls.fallback)

    def set_levels(self, levels: Sequence[LevelFacts], level: int) -> None:
        """Show a ladder with ``level`` chosen; emits nothing."""
        self._levels = levels
        self.slider.blockSignals(True)
        self.slider.set_levels(levels)
        self.slider.blockSignals(False)
        self.pareto.set_levels(levels)
        self._note.setText("The quality of this ladder has not been measured.")
        self._note.setVisible(not self.pareto.condition)
        self.setEnabled(bool(levels))
        self._shown = self._previous = level
        self.show_level(level)

    def preview(self, levels: Sequence[LevelFacts], level: int) -> None:
        """Show a ladder while the engine loads it; it cannot be used until :meth:`set_levels` is called."""
        if levels:
            self.set_levels(levels, level)
            self.setEnabled(False)

    def show_level(self, level: int) -> None:
        """Move the slider to a level; emits nothing."""
        self.slider.blockSignals(True)
        self.slider.setValue(level)
        self.slider.blockSignals(False)
        self.slider.update()
        self._show_level()

    def go_back(self) -> None:
        """Choose the level that was chosen before the present one; a second call returns."""
        if self.isEnabled():
            self.slider.setValue(self._previous)

    def show_switch(self, switch_ms: float) -> None:
        """Show how long the last change of level took, in milliseconds."""
        self._switch_ms, self._switched = switch_ms, True
        self._show_facts()

    def refresh_text(self, chunk_ms: Mapping[int, float]) -> None:
        """Show the median chunk times so far, in milliseconds by level; called a few times a second."""
        self.chunk_ms = self.slider.chunk_ms = chunk_ms
        self._show_facts()

    def _chosen(self, level: int) -> None:
        self._switch_ms = None
        self._show_level()
        self.control_asked.emit("level", level)

    def _show_level(self) -> None:
        level = self.slider.value()
        if not self._levels:
            return
        if level != self._shown:
            self._shown, self._previous = level, self._shown
        facts = self._levels[level]
        self._headline.setText("Dense" if level == 0 else f"{facts.name} compute")
        self._headline.setToolTip("Multiply-adds saved compared with the dense separator")
        self._summary.setText(f"level {level} of {len(self._levels) - 1}")
        self._summary.setToolTip(f"{quantity(facts.macs_per_second)} multiply-adds a second")
        self.slider.setAccessibleDescription(f"level {level}, {facts.name}")
        self.pareto.set_level(level)
        self._show_facts()

    def _show_facts(self) -> None:
        if not self._levels:
            return
        rows = fact_rows(self._levels, self.slider.value(), self.chunk_ms)
        if self._presentation:
            rows = rows[:PRESENTED_ROWS]
        if self._switched:
            rows.append(("Switched in", "–" if self._switch_ms is None else f"{self._switch_ms:.0f} ms", ""))
        if not self._fact_labels:
            self._add_heads()
        while len(self._fact_labels) < len(rows):
            self._add_row()
        for number, labels in enumerate(self._fact_labels):
            used = number < len(rows)
            for label, text in zip(labels, rows[number] if used else ("", "", ""), strict=True):
                label.setText(text)
                label.setVisible(used)

    def _add_heads(self) -> None:
        for column, text in ((1, "this level"), (2, "of dense")):
            label = QLabel(text)
            label.setProperty("role", "small")
            self._fact_grid.addWidget(label, 0, column, Qt.AlignmentFlag.AlignRight)

    def _add_row(self) -> None:
        labels = (QLabel(), QLabel(), QLabel())
        for column, (label, role) in enumerate(zip(labels, ("muted", "figure", "muted"), strict=True)):
            label.setProperty("role", role)
            label.setToolTip(
                "Facts stored with the ladder, except two that are measured here: the median chunk time, and the time "
                "from the choice of a level until it is fully audible.\n"
                "SI-SDRi: improvement of the scale-invariant signal-to-distortion ratio, in decibels."
            )
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            self._fact_grid.addWidget(label, len(self._fact_labels) + 1, column, side)
        self._fact_labels.append(labels)

    def _set_sweeping(self, on: bool) -> None:
        if on:
            self._sweep_timer.start(1000 * self.sweep_seconds.value())
        else:
            self._sweep_timer.stop()

    def _step(self) -> None:
        ahead = self.slider.value() + self._sweep_direction
        if not 0 <= ahead <= self.slider.maximum():
            self._sweep_direction = -self._sweep_direction
            ahead = self.slider.value() + self._sweep_direction
        self.slider.setValue(ahead)
