"""Start, progress and result of a measurement of this computer."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QUrl, pyqtSignal
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QCheckBox, QHBoxLayout, QProgressBar, QWidget

from ..facts import duration, sentence
from ..labels import label
from ..segmented import Segmented
from .measurement import Result
from .parts import Card, button

#: busy processes of the option
BUSY = 2

_KINDS = (
    ("quick", "Quick", "About one minute: every level with chunks of 8 ms, on the automatic backend"),
    ("full", "Full", "Every level, backend, precision and chunk duration, then five minutes of the dense level"),
)
_ABOUT = {
    "quick": "Every level with chunks of 8 ms, on the automatic backend: about one minute.",
    "full": "Every level, backend, precision and chunk duration, then five minutes of the dense level. It takes long; "
    "the duration is shown once it runs.",
}


class MeasureCard(Card):
    """Emits what the user asks for, and shows what it is told."""

    #: whether it is the quick run, and busy processes beside it
    start_asked = pyqtSignal(bool, int)
    cancel_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Measure this computer", parent)
        self.kind = Segmented(_KINDS, "Kind of measurement")
        self.busy = QCheckBox(f"Keep {BUSY} other processes busy meanwhile")
        self.busy.setToolTip("Shows how this computer does while other programs compute too")
        self.start = button("Measure", "Stop the live sound and measure this computer", "main")
        self.cancel = button("Cancel", "End the measurement; nothing is written")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of the measurement")
        self.about, self.state = label(role="muted", wrap=True), label(role="muted", wrap=True)
        self.verdict, self.warnings = label(role="verdict", wrap=True), label(role="muted", wrap=True)
        self.open_report = button("Open report", "Open the page of the report in the browser", "main")
        self.open_folder = button("Open folder", "Show the files of the report")
        self._page: Path | None = None
        self._lay_out()
        self.kind.chosen.connect(self._show_kind)
        self.start.clicked.connect(self._start_clicked)
        self.cancel.clicked.connect(self.cancel_asked)
        self.open_report.clicked.connect(lambda: self._open(folder=False))
        self.open_folder.clicked.connect(lambda: self._open(folder=True))
        self.kind.show_value("quick")
        self._show_kind("quick")
        self.show_ready()

    def _lay_out(self) -> None:
        choice, buttons, links = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        choice.addWidget(self.kind)
        choice.addSpacing(14)
        choice.addWidget(self.busy)
        choice.addStretch(1)
        for row, pair in ((buttons, (self.start, self.cancel)), (links, (self.open_report, self.open_folder))):
            for pressed in pair:
                row.addWidget(pressed)
            row.addStretch(1)
        self.column.addLayout(choice)
        self.column.addWidget(self.about)
        self.column.addLayout(buttons)
        self.column.addWidget(self.progress)
        for widget in (self.state, self.verdict, self.warnings):
            self.column.addWidget(widget)
        self.column.addLayout(links)

    def show_ready(self, problem: str = "") -> None:
        """Show that a measurement can be started, and why the last one failed."""
        self._show_running(False)
        self._show_result(None)
        self.state.setText(f"{sentence(problem)}.")
        self.state.setVisible(bool(problem))

    def show_running(self) -> None:
        """Show that a measurement has been started."""
        self._show_running(True)
        self._show_result(None)
        self.progress.setRange(0, 0)  # the backends are loaded, and nothing is known yet
        self.state.setText("Loading the levels. Leave the computer alone until the end.")
        self.state.show()

    def show_progress(self, share: float, done_s: float, total_s: float) -> None:
        """Show the share that is done, and seconds of sound."""
        self.progress.setRange(0, 1000)
        self.progress.setValue(round(1000 * share))
        self.state.setText(
            f"{duration(done_s)} of {duration(total_s)} minutes at live rate. Leave the computer alone until the end."
        )

    def show_result(self, result: Result) -> None:
        """Show the verdict."""
        self._show_running(False)
        self.state.hide()
        self._show_result(result)

    def _show_running(self, running: bool) -> None:
        for widget in (self.kind, self.busy, self.start):
            widget.setEnabled(not running)
        self.start.setVisible(not running)
        self.cancel.setVisible(running)
        self.progress.setVisible(running)

    def _show_result(self, result: Result | None) -> None:
        self._page = None if result is None else result.page
        self.verdict.setText("" if result is None else result.verdict)
        warnings = [] if result is None else result.warnings
        self.warnings.setText("\n".join(f"• {text}" for text in warnings))
        self.warnings.setVisible(bool(warnings))
        for widget in (self.verdict, self.open_report, self.open_folder):
            widget.setVisible(result is not None)

    def _show_kind(self, kind: str) -> None:
        self.about.setText(_ABOUT[kind])

    def _start_clicked(self) -> None:
        self.start_asked.emit(self.kind.value == "quick", BUSY if self.busy.isChecked() else 0)

    def _open(self, folder: bool) -> None:
        if self._page is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._page.parent if folder else self._page)))
