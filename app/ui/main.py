"""Opens the window, and afterwards writes the report, the screenshot and the remembered settings."""

from __future__ import annotations

import sys
from dataclasses import replace

from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtGui import QIcon
from PyQt6.QtWidgets import QApplication

from sepprune.errors import UserError
from sepprune.files import write_report
from sepprune.resources import asset
from sepprune.signals import asked_to_end

from ..engine.commands import StartRecording
from ..engine.events import Event, Ready, RecordingFailed
from ..engine.preparation import stored_levels, with_existing_level
from ..engine.process import EngineProcess
from ..engine.protocol import RECORDING_FORMATS, Settings
from ..engine.statistics import Report
from .display import errors_only
from .engine_link import STOPPED
from .settings import load_preferences, save_preferences
from .theme import running_application
from .window import MainWindow

#: seconds after which an engine that is not ready counts as failed
LOADING_S = 60.0


def run(
    settings: Settings,
    seconds: float | None = None,
    report: str | None = None,
    screenshot: str | None = None,
    given: frozenset[str] | None = None,
    record: str | None = None,
    record_format: str | None = None,
) -> int:
    """Show the window until it is closed or the time is up.

    Args:
        settings: of the engine.
        seconds: close after this many seconds of running audio; ``None``: when the user closes it. A timed session
            neither reads nor writes the remembered settings of the engine.
        report: write the latency report to this JSON file.
        screenshot: write a picture of the window to this PNG file.
        given: names of the fields of ``settings`` and their controls that the command line sets; the others are taken
            from what the window remembers. ``None``: all are set.
        record: record into a new folder in this one as soon as audio runs.
        record_format: one of :data:`~app.engine.protocol.RECORDING_FORMATS`; ``None``: the format that the window
            remembers.

    Returns:
        Exit status: 0 done, 1 our fault, 2 the user's input is wrong.

    Raises:
        UserError: a file cannot be written.
    """
    application = prepared_application()
    preferences, problem = load_preferences()
    if record_format is not None:
        preferences = replace(preferences, record_format=record_format)
    if given is not None and seconds is None:
        settings = replace(preferences.applied_to(settings, given), patient="output" not in given)
        settings, other_level = with_existing_level(settings)
        problem = problem or other_level
    engine = EngineProcess(settings)
    window = MainWindow(engine, preferences)
    window.level.preview(stored_levels(settings), settings.controls.level)
    recording = None
    if record is not None:
        default = RECORDING_FORMATS[0] if seconds is not None else preferences.record_format
        recording = StartRecording(record, record_format or default)
    session = Session(window, seconds, screenshot, recording)
    if problem:
        window.status.message.show_text(problem)
    try:
        with errors_only(), asked_to_end(lambda *_: window.close()):
            window.show()
            window.start()
            application.exec()
    finally:
        engine.stop()
    if seconds is None:
        _remember(window)
    if session.problem is not None:
        if report and window.link.ready is not None:
            write_report(report, session.report())
        print(f"sepprune-live: {session.problem}", file=sys.stderr)
        return 2 if engine.exit_status == 2 or session.user_caused else 1
    if screenshot and not session.picture_saved:
        raise UserError(f"cannot write the screenshot {screenshot}: give a PNG file in an existing folder")
    if report:
        write_report(report, session.report())
    return 0


def prepared_application() -> QApplication:
    """The application object, a new one where there is none yet, with its name, style and icon."""
    application = QApplication(["sepprune-live"]) if QApplication.instance() is None else running_application()
    application.setApplicationName("SepPrune Live")
    application.setStyle("Fusion")
    application.setWindowIcon(QIcon(str(asset("icon.png"))))
    return application


class Session(QObject):
    """One session of the window: its time limit, its report and its problems.

    Args:
        window: not yet started.
        seconds: of running audio after which the window closes, or ``None``.
        screenshot: PNG file for a picture of the window, or ``None``.
        recording: to start as soon as audio runs.

    Attributes:
        problem: why a timed session failed, as a sentence; the window is closed, so it is printed.
        user_caused: whether the user's input was the cause.
        picture_saved: whether the screenshot was written.
    """

    def __init__(
        self, window: MainWindow, seconds: float | None, screenshot: str | None, recording: StartRecording | None = None
    ) -> None:
        super().__init__(window)
        self._recording = recording
        self._window, self._seconds, self._screenshot = window, seconds, screenshot
        self.problem: str | None = None
        self.user_caused = False
        self.picture_saved = False
        self._running = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._time_is_up)
        window.link.received.connect(self._take)
        window.link.state_changed.connect(self._state_changed)
        window.closing.connect(self._closing)
        if seconds is not None:
            self._timer.start(round(1000 * LOADING_S))

    def report(self) -> Report:
        """The JSON object of ``sepprune-live --report``.

        Raises:
            UserError: the engine was never ready.
        """
        return self._window.live_report.report()

    def _take(self, event: Event) -> None:
        if isinstance(event, RecordingFailed) and self._seconds is not None:
            self.problem, self.user_caused = event.message, True
            self._window.close()
        if isinstance(event, Ready) and not self._running:
            self._running = True
            if self._recording is not None:
                self._window.recordings.start(self._recording)
            if self._seconds is not None:
                self._timer.start(round(1000 * self._seconds))

    def _state_changed(self, state: str) -> None:
        if state == STOPPED and self._seconds is not None and self._window.timer.isActive():
            self.problem = self._window.banner.sentence.text()
            self._window.close()

    def _time_is_up(self) -> None:
        if self._window.link.ready is None:
            self.problem = f"the audio engine was not ready after {LOADING_S:g} seconds"
        self._window.close()

    def _closing(self) -> None:
        self._window.data.new_frames()
        self._window.data.update_statistics()
        self._window.controller.refresh_text()
        if self._screenshot:
            self.picture_saved = self._window.grab().save(self._screenshot)


def _remember(window: MainWindow) -> None:
    try:
        save_preferences(window.preferences())
    except OSError as error:
        print(f"sepprune-live: the settings are not remembered: {error}", file=sys.stderr)
