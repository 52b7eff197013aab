"""Connects the latency lab to the live sound: it stops while the computer is measured, and starts with new choices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import platformdirs
from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtWidgets import QFileDialog, QWidget

from sepprune.bench.facts import machine_facts
from sepprune.errors import UserError
from sepprune.files import write_report

from ...engine.events import Event, Failed, Ready
from ...engine.machine import live_facts
from ...engine.protocol import Settings
from ..engine_link import EngineLink
from ..live_report import LiveReport
from ..panels import Panels
from ..recordings import Recordings
from ..theme import Theme
from .measurement import Measurement, Plan, Result
from .window import LabWindow

RECORDING = "a recording runs: stop it first, since the audio engine ends"
STOPPED_FOR_MEASUREMENT = "The live sound is stopped while this computer is measured. It starts again afterwards."


class Lab(QObject):
    """The latency lab of a main window.

    Args:
        main: the main window, which can do nothing while the computer is measured.
        panels: of the main window.
        link: of the engine.
        live_report: what *Save live report* writes.
        recordings: while one runs, the live sound is not stopped.
        hold: pauses (True) or continues (False) the repainting of the main window.
        reset: starts the statistics again, since times of other chunks do not belong together.
    """

    def __init__(
        self,
        main: QWidget,
        panels: Panels,
        link: EngineLink,
        live_report: LiveReport,
        recordings: Recordings,
        hold: Callable[[bool], None],
        reset: Callable[[], None],
    ) -> None:
        super().__init__(main)
        self._main, self._panels, self._link, self._live_report = main, panels, link, live_report
        self._recordings, self._hold, self._reset = recordings, hold, reset
        self._before: Settings | None = None  # until the engine runs with new choices
        self._theme: Theme | None = None
        self.measurement = Measurement(self)
        self.window: LabWindow | None = None
        self.measurement.finished.connect(self._finished)
        self.measurement.failed.connect(self._failed)
        link.received.connect(self._take)
        panels.transport.lab_asked.connect(self.open)

    def open(self) -> None:
        """Show the window."""
        if self.window is None:
            self.window = LabWindow()
            self._connect(self.window)
            if self._theme is not None:
                self.window.set_theme(self._theme)
        self.window.engine.show_settings(self._link.settings, self._link.ready)
        self._show_facts()
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def close(self) -> None:
        """End a measurement and close the window."""
        self.measurement.cancel()
        if self.window is not None:
            self.window.close()

    def set_theme(self, theme: Theme) -> None:
        """Take colours and text size."""
        self._theme = theme
        if self.window is not None:
            self.window.set_theme(theme)

    def save_report(self) -> None:
        """Ask for a file, and write the report of the live sound."""
        name = str(_folder() / f"live-{datetime.now():%Y-%m-%d-%H%M}.json")
        file, _ = QFileDialog.getSaveFileName(self.window or self._main, "Save live report", name, "JSON (*.json)")
        if not file:
            return
        try:
            write_report(file, self._live_report.report())
        except UserError as error:
            self._panels.status.message.show_text(str(error))
            return
        self._panels.status.message.show_text(f"The report is in {file}.")

    # ---- measurement ----

    def _connect(self, window: LabWindow) -> None:
        window.measure.start_asked.connect(self._start)
        window.measure.cancel_asked.connect(self._cancel)
        self.measurement.progressed.connect(window.measure.show_progress)
        window.engine.asked.connect(self._use)
        window.facts.refresh_asked.connect(self._show_facts)
        window.facts.save_asked.connect(self.save_report)

    def _start(self, quick: bool, load: int) -> None:
        assert self.window is not None  # its button was pressed
        if self._recordings.path is not None:
            self.window.measure.show_ready(RECORDING)
            return
        folder = _folder() / f"latency-{datetime.now():%Y-%m-%d-%H%M%S}"
        self._panels.banner.show_sentence(STOPPED_FOR_MEASUREMENT)
        self._link.stop()
        self._panels.banner.restart.hide()
        self._main.setEnabled(False)
        self._hold(True)
        self.window.engine.setEnabled(False)
        self.window.measure.show_running()
        self.measurement.start(Plan(folder, quick, load, self._link.settings.ladder))

    def _cancel(self) -> None:
        self.measurement.cancel()
        self._failed("the measurement was cancelled; nothing was written")

    def _finished(self, result: Result) -> None:
        if self.window is not None:
            self.window.measure.show_result(result)
        self._resume()

    def _failed(self, problem: str) -> None:
        if self.window is not None:
            self.window.measure.show_ready(problem)
        self._resume()

    def _resume(self) -> None:
        self._main.setEnabled(True)
        if self.window is not None:
            self.window.engine.setEnabled(True)
        self._hold(False)
        self._panels.banner.hide()
        self._link.start()
        self._show_facts()

    # ---- choices ----

    def _use(self, wanted: Settings) -> None:
        assert self.window is not None  # its button was pressed
        if self._recordings.path is not None:
            self.window.engine.show_problem(RECORDING)
            return
        self._before = self._link.settings
        self._reset()
        self._link.start_with(wanted)

    def _take(self, event: Event) -> None:
        window = self.window
        match event:
            case Ready():
                self._before = None
                if window is not None:
                    window.engine.show_settings(self._link.settings, event)
            case Failed(message, fatal=True) if self._before is not None:
                before, self._before = self._before, None
                if window is not None:
                    window.engine.show_problem(f"{message}. The choices before are used again")
                # after the engine's end has been dealt with
                QTimer.singleShot(0, lambda: self._restore(before))

    def _restore(self, before: Settings) -> None:
        self._panels.banner.hide()
        self._link.start_with(before)

    def _show_facts(self) -> None:
        if self.window is not None:
            ready = self._link.ready
            self.window.facts.show_facts(machine_facts() if ready is None else live_facts(ready))


def _folder() -> Path:
    """Where reports are stored, which is made where it does not exist."""
    folder = Path(platformdirs.user_documents_dir()) / "SepPrune"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # the place can be chosen where it is asked for, and the measurement says that it cannot write
        return Path.home()
    return folder
