"""The latency panel: chunk times, percentiles, counters of every kind of problem, and the parts of the latency."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QWidget

from ..engine.events import Ready
from ..engine.lateness import late_words
from ..engine.stages import stages
from ..engine.statistics import LatencyStatistics, Summary
from .icons import icon
from .latency_bar import LatencyBar
from .latency_strip import Histogram, LatencyStrip, axis_ticks
from .status import ElidedLabel
from .theme import Theme
from .views.axes import Gutter

#: percentile, explanation
COLUMNS = (
    ("p50", "half of the chunks took less time than this"),
    ("p95", "95 % of the chunks took less time than this"),
    ("p99", "99 % of the chunks took less time than this"),
    ("max", "the slowest chunk"),
    ("RTF", "real-time factor: median chunk time divided by chunk duration; it has to be below 1"),
)

#: counter, label, cause and remedy
CAUSES = (
    (
        "deadline_misses",
        "Missed deadlines",
        "Chunks that were done too late: computation, or waiting for the processor, took longer than the chunk lasts. "
        "Choose a lighter level or close other programs.",
    ),
    (
        "ring_underruns",
        "Output gaps",
        "Gaps in the output because chunks were late. Each one adds a chunk to the cushion.",
    ),
    (
        "ring_overruns",
        "Ring overruns",
        "Sound was dropped because it arrived faster than it was processed for a long time.",
    ),
    (
        "input_overflows",
        "Input overflows",
        "The driver lost input because the operating system called the audio callback too late. The separator is not "
        "the cause.",
    ),
    (
        "output_underflows",
        "Output underflows",
        "The driver played a gap because the operating system called the audio callback too late. The separator is not "
        "the cause.",
    ),
    ("stalls", "Stalls", "A device stopped without an error, for instance when it was unplugged. It is opened again."),
)

#: chunk times where there are none
_NOTHING = Summary(0, math.nan, math.nan, math.nan, math.nan, 0)


class LatencyPanel(QFrame):
    """Chunk times, percentiles, counters and latency."""

    reset_asked = pyqtSignal()
    round_trip_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.gutter, self.strip = Gutter("Chunk time"), LatencyStrip()
        self.histogram, self.bar = Histogram(), LatencyBar()
        self.cells: dict[tuple[str, str], QLabel] = {}
        self.counters: dict[str, QLabel] = {}
        self.reset, self.round_trip = QPushButton(), QPushButton()
        for button, name, tip in (
            (self.reset, "Reset statistics", "Set percentiles and counters to zero"),
            (
                self.round_trip,
                "Measure the round trip",
                "Measure the delay from output to input with chirps, through a cable or the air (P)",
            ),
        ):
            button.setProperty("role", "icon")
            button.setAccessibleName(name)
            button.setToolTip(tip)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.reset.clicked.connect(self.reset_asked)
        self.round_trip.clicked.connect(self.round_trip_asked)
        self.causes = ElidedLabel()
        self._details = QWidget()
        self._lay_out()

    def _lay_out(self) -> None:
        outer = QGridLayout(self)
        outer.setContentsMargins(12, 10, 10, 10)
        outer.setHorizontalSpacing(6)
        outer.setVerticalSpacing(8)
        outer.addWidget(self.gutter, 0, 0)
        outer.addWidget(self.strip, 0, 1)
        outer.addWidget(self.histogram, 0, 2)
        outer.addWidget(self._details, 1, 0, 1, 3)
        outer.addWidget(self.bar, 2, 0, 1, 2)
        outer.addWidget(self.round_trip, 2, 2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        outer.setColumnStretch(1, 1)
        outer.setRowStretch(0, 1)
        grid = QGridLayout(self._details)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        grid.addWidget(_label("compute, ms", "small"), 0, 0)
        for column, (name, why) in enumerate(COLUMNS, start=1):
            head = _label(name, "small", right=True)
            head.setToolTip(why)
            grid.addWidget(head, 0, column)
            for row, span in enumerate(("recent", "session"), start=1):
                cell = _label("–", "figure" if span == "recent" else "muted", right=True)
                cell.setToolTip(why)
                cell.setMinimumWidth(cell.fontMetrics().horizontalAdvance("00.00"))
                self.cells[span, name] = cell
                grid.addWidget(cell, row, column)
        grid.addWidget(_label("last 10 s", "muted"), 1, 0)
        grid.addWidget(_label("session", "muted"), 2, 0)
        gap = len(COLUMNS) + 1
        grid.setColumnStretch(gap, 1)
        self.causes.setProperty("role", "muted")
        self.causes.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.causes.setAccessibleName("Causes of missed deadlines")
        grid.addWidget(self.causes, 0, gap)
        for number, (name, label, why) in enumerate(CAUSES):
            row, column = number % 3, gap + 1 + 2 * (number // 3)
            caption, value = _label(label, "muted"), _label("0", "figure", right=True)
            for each in (caption, value):
                each.setToolTip(why)
            value.setAccessibleName(label)
            self.counters[name] = value
            grid.addWidget(caption, row, column)
            grid.addWidget(value, row, column + 1)
        grid.addWidget(self.reset, 0, gap + 5, 3, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def set_theme(self, theme: Theme) -> None:
        """Take colours and text size."""
        self.gutter.set_colour(theme, theme.compute)
        self.strip.set_theme(theme)
        self.histogram.set_theme(theme)
        self.histogram.setFixedWidth(16 + self.fontMetrics().horizontalAdvance("−60"))
        self.bar.set_theme(theme)
        self.reset.setIcon(icon("reset", theme.muted))
        self.round_trip.setIcon(icon("round_trip", theme.muted))

    def set_presentation(self, on: bool) -> None:
        """Hide what is too small to read from a distance."""
        self._details.setVisible(not on)

    def set_deadline(self, deadline_ms: float) -> None:
        """Set the deadline, the duration of a chunk, in milliseconds."""
        self.strip.set_deadline(deadline_ms)
        self.gutter.set_ticks(axis_ticks(deadline_ms))

    def refresh_text(self, statistics: LatencyStatistics, counters: Mapping[str, float], ready: Ready | None) -> None:
        """Update every number; called a few times a second.

        Args:
            statistics: of the session.
            counters: of the telemetry.
            ready: of the engine; ``None`` while it does not run, which leaves only what is of the session.
        """
        self._show("recent", statistics.recent() if ready else _NOTHING)
        self._show("session", statistics.session())
        for name, label in self.counters.items():
            count = int(counters[name])
            label.setText(str(count))
            if label.property("alarm") != str(count > 0).lower():
                label.setProperty("alarm", str(count > 0).lower())
                if style := label.style():  # a changed property takes effect when the label is polished again
                    style.unpolish(label)
                    style.polish(label)
        self.causes.show_text(late_words(statistics.late_chunks()))
        shown, _ = self.strip.shown()
        times = 1000 * (shown["t_done"] - shown["t_start"])
        self.gutter.set_caption(f"{np.median(times[-125:]):.2f} ms" if ready and len(times) else "")
        self.histogram.show_times(times, self.strip.deadline_ms)
        self.bar.show_stages(stages(ready, shown[-250:], counters) if ready and len(shown) else ())

    def _show(self, span: str, summary: Summary) -> None:
        times = np.array([summary.p50_ms, summary.p95_ms, summary.p99_ms, summary.max_ms])
        rtf = summary.p50_ms / self.strip.deadline_ms
        for (name, _), value in zip(COLUMNS, [*times, rtf], strict=True):
            self.cells[span, name].setText("–" if math.isnan(value) else f"{value:.{2 if value < 99.995 else 0}f}")


def _label(text: str, role: str, right: bool = False) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", role)
    if right:
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label
