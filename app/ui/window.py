"""The main window: places of the panels, colours, keys, and the timer that repaints."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QKeyEvent, QResizeEvent, QShowEvent
from PyQt6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ..engine.commands import Seek, StartRecording
from .alert import Alert
from .appearance import Appearance
from .controller import Controller
from .display import SMALLEST, fitting_size
from .engine_link import Engine, EngineLink
from .file_bar import SEEK_S, FileBar
from .file_drop import FileDrop
from .held_keys import HeldKeys
from .lab.lab import Lab
from .latency import LatencyPanel
from .level_panel import LevelPanel
from .listen_panel import ListenPanel
from .live_data import LiveData
from .live_report import LiveReport
from .panels import Panels
from .recordings import Recordings
from .settings import Preferences, recordings_folder
from .shortcuts import HELD, TOGGLES, ShortcutsOverlay, bind
from .sound_server import SoundServer
from .status import Banner, StatusLine
from .study.entry import ListeningTests
from .theme import Theme, running_application, style_sheet
from .transport import Transport
from .views.tracks import Tracks
from .voice_names import VoiceNames

#: milliseconds between two repaints, and repaints between two updates of the texts
PICTURE_MS, PICTURES_A_TEXT = 40, 8

#: width of the right column at the normal text size: normal, presentation
SIDE_WIDTHS = (322, 307)


class MainWindow(QWidget):
    """The whole window. It never waits for the engine: a timer reads the newest data, and the latest wins.

    Args:
        engine: not yet started.
        preferences: what the window remembers from its last session.
    """

    #: the window is about to close; everything in it still exists
    closing = pyqtSignal()

    def __init__(self, engine: Engine, preferences: Preferences) -> None:
        super().__init__()
        self._preferences = preferences
        self._pictures = 0
        self._last_tick = time.perf_counter()
        self.setObjectName("window")
        self.setWindowTitle("SepPrune Live")
        self.setMinimumSize(SMALLEST)
        self.resize(fitting_size(preferences.width, preferences.height, self.screen()))
        self.appearance = Appearance(self, preferences.colours)
        self.voices = VoiceNames(self, (preferences.voice1, preferences.voice2))
        self.link, self.data = EngineLink(engine, self), LiveData(engine.telemetry)
        self.live_report = LiveReport(self.link, self.data, self)
        panels = Panels(Transport(), Tracks(), LatencyPanel(), ListenPanel(), LevelPanel(), StatusLine(), Banner())
        self.transport, self.tracks, self.latency, self.listen, self.level, self.status, self.banner = panels
        self.alert, self.file, self.sound_server = Alert(), FileBar(), SoundServer(self, self.link)
        self._lay_out()
        self.overlay = ShortcutsOverlay(self)
        choice = StartRecording(recordings_folder(preferences), preferences.record_format)
        self.recordings = Recordings(self, self.transport, self.status, self.alert, self.link, choice)
        self.controller = Controller(self, panels, self.recordings, self.link, self.data)
        self.lab = Lab(
            self,
            panels,
            self.link,
            self.live_report,
            self.recordings,
            self._hold,
            self.controller.reset_statistics,
        )
        self.tests = ListeningTests(self, self.transport, self.status, self.link)
        self.file.control_asked.connect(self.controller.change)
        self.file.seek_asked.connect(lambda seconds: self.link.send(Seek(seconds)))
        self.link.controls_changed.connect(self.file.show_controls)
        self.file.show_controls(self.link.controls)
        self.transport.devices_asked.connect(lambda: self.controller.change("passage", None))
        self.keys = HeldKeys(self, {key: signal for key, signal, _ in HELD})
        self.keys.changed.connect(lambda signal: self.controller.change("solo", signal))
        self.transport.view_asked.connect(self.set_view)
        self.transport.presentation_asked.connect(self.set_presentation)
        self.transport.colours.colours_asked.connect(self.appearance.choose)
        self.tracks.names_asked.connect(self.voices.ask)
        self.voices.changed.connect(self._show_names)
        self._show_names(self.voices.names)
        self.appearance.changed.connect(self._show_appearance)
        drop = FileDrop(self)
        drop.dropped.connect(self.transport.play_file)
        drop.refused.connect(self.status.message.show_text)
        self.transport.help_asked.connect(self.overlay.toggle)
        self.level.sweep_seconds.setValue(preferences.sweep_s)
        self.set_view(preferences.view)
        self.set_presentation(preferences.presentation)
        self._bind_keys()
        self.timer = QTimer(self)
        self.timer.setInterval(PICTURE_MS)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self.tick)

    def start(self) -> None:
        """Start the engine and the timer."""
        self.setFocus()
        self.link.start()
        self.timer.start()

    def _lay_out(self) -> None:
        left, right = QVBoxLayout(), QVBoxLayout()
        for column in (left, right):
            column.setSpacing(10)
        left.addWidget(self.tracks, stretch=62)
        left.addWidget(self.file)
        left.addWidget(self.latency, stretch=38)
        right.addWidget(self.listen)
        right.addWidget(self.level, stretch=1)
        content = QWidget()
        content.setObjectName("content")
        columns = QHBoxLayout(content)
        columns.setContentsMargins(12, 10, 12, 10)
        columns.setSpacing(10)
        columns.addLayout(left, stretch=1)
        columns.addLayout(right)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        for widget in (self.transport, self.banner, self.alert, self.sound_server.alert, content, self.status):
            outer.addWidget(widget, stretch=1 if widget is content else 0)

    def _bind_keys(self) -> None:
        controller = self.controller
        actions: dict[str, Callable[[], object]] = {
            "record": self.recordings.toggle,
            "calibrate": controller.calibrate,
            "round_trip": controller.measure_round_trip,
            "view": lambda: self.set_view({"spectrogram": "waveform"}.get(self.tracks.view, "spectrogram")),
            "sweep": self.level.sweep.toggle,
            "passage_start": self.file.mark_start,
            "passage_end": self.file.mark_end,
            "passage_clear": self.file.clear,
            "seek_back": lambda: self.file.jump(-SEEK_S),
            "seek_forward": lambda: self.file.jump(SEEK_S),
            "previous_level": self.level.go_back,
            "louder": lambda: self.listen.step_gain(1),
            "quieter": lambda: self.listen.step_gain(-1),
            "open": self.transport.open_file,
            "study": self.tests.open_study,
            "blind": self.tests.open_blind,
            "lab": self.lab.open,
            "save_report": self.lab.save_report,
            "rescan": controller.rescan,
            "recordings": self.recordings.open_folder,
            "names": self.voices.ask,
            "colours": self.appearance.choose_next,
            "presentation": lambda: self.set_presentation(not self.appearance.presentation),
            "full_screen": lambda: self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen),
            "help": self.overlay.toggle,
            "quit": self.close,
        }
        for routing in self.listen.routing.buttons:
            actions[routing] = _call(controller.change, "routing", routing)
        for name in TOGGLES:
            actions[name] = _call(controller.toggle, name)
        bind(self, actions, controller.choose_level)

    def set_view(self, view: str) -> None:
        """Show ``"spectrogram"`` or ``"waveform"``."""
        self.transport.view.show_value(view)
        self.tracks.set_view(view)

    def set_presentation(self, on: bool) -> None:
        """Show larger text and fewer things, for a projector."""
        for panel in (self.transport, self.latency, self.level, self.listen, self.status):
            panel.set_presentation(on)
        self.appearance.present(on)

    @property
    def theme(self) -> Theme:
        """The colours and text size in use."""
        return self.appearance.theme

    @property
    def painted(self) -> bool:
        """Whether the window can be seen."""
        handle = self.windowHandle()
        return self.isVisible() and not self.isMinimized() and handle is not None and handle.isExposed()

    def tick(self) -> None:
        """Take in events, audio and frames, and paint what is new."""
        now = time.perf_counter()
        seconds, self._last_tick = min(1.0, now - self._last_tick), now
        self.link.poll()
        frames = self.data.new_frames()
        if self.painted:
            self.tracks.feed(self.data.new_audio(), seconds)
            self.latency.strip.feed(frames)
        self._pictures += 1
        if self._pictures % PICTURES_A_TEXT == 0:
            self.data.update_statistics()
            if self.painted:
                counters = self.link.telemetry.counters
                self.file.show_position(counters["file_position"], counters["file_duration"])
                self.controller.refresh_text()

    def preferences(self) -> Preferences:
        """What to remember."""
        settings, recordings = self.link.settings, self.recordings.choice
        chosen = "" if recordings.folder == recordings_folder(Preferences()) else recordings.folder
        return replace(
            self._preferences,
            input=settings.input,
            output=settings.output,
            controls=settings.controls,
            view=self.tracks.view,
            width=self.width(),
            height=self.height(),
            presentation=self.appearance.presentation,
            sweep_s=self.level.sweep_seconds.value(),
            recordings=chosen,
            record_format=recordings.format,
            colours=self.appearance.colours,
            voice1=self.voices.given[0],
            voice2=self.voices.given[1],
        )

    def _show_names(self, names: tuple[str, str]) -> None:
        for part in (self.tracks, self.listen, self.overlay):
            part.show_names(names)
        self.recordings.name_voices(names if any(self.voices.given) else ())

    def _show_appearance(self) -> None:
        font = running_application().font()
        font.setPointSizeF(self.theme.points)
        self.setFont(font)
        self.setStyleSheet(style_sheet(self.theme))
        for part in (self.transport, self.tracks, self.file, self.latency, self.listen, self.level, self.status):
            part.set_theme(self.theme)
        self.lab.set_theme(self.appearance.theme_beside)
        self.transport.colours.show_choice(self.appearance.colours)
        for panel in (self.listen, self.level):
            panel.setFixedWidth(round(SIDE_WIDTHS[self.appearance.presentation] * self.appearance.scale))

    def _hold(self, on: bool) -> None:
        """Stop the repainting, or continue."""
        if on:
            self.timer.stop()
        else:
            self.timer.start()

    # ---- Qt ----

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.controller.play_or_pause()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self.tracks.show_history()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.overlay.setGeometry(self.rect())

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self.closing.emit()
        self.timer.stop()
        self.lab.close()
        self.sound_server.close()
        self.link.stop()
        super().closeEvent(event)


def _call(method: Callable[..., None], *arguments: str) -> Callable[[], None]:
    """``method`` with its arguments, for a key."""
    return lambda: method(*arguments)
