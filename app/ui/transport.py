"""The top bar: devices, play, loop, bypass, record, view."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from sepprune.files import is_regular

from ..engine.controls import Controls
from ..engine.protocol import DEMO, NONE, DeviceInfo
from .choice import Choice
from .colour_menu import ColourMenu
from .device_choice import OPEN_FILE, input_entries, output_entries
from .facts import duration
from .icons import icon
from .record_menu import RecordMenu
from .segmented import Segmented
from .theme import Theme, fit_bold

SOUND_FILES = "Sound files (*.wav *.flac *.ogg *.opus *.mp3 *.aiff *.aif *.m4a *.mp4 *.aac *.webm);;All files (*)"


class Transport(QFrame):
    """Emits what the user asks for, and shows what the controller passes to it."""

    #: name and wanted value of a control
    control_asked = pyqtSignal(str, object)
    #: input and output
    devices_asked = pyqtSignal(str, str)
    rescan_asked = pyqtSignal()
    play_asked = pyqtSignal()
    record_asked = pyqtSignal()
    view_asked = pyqtSignal(str)
    presentation_asked = pyqtSignal(bool)
    study_asked = pyqtSignal()
    blind_asked = pyqtSignal()
    lab_asked = pyqtSignal()
    help_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.input = Choice("Input", "Input: a microphone, the demo mixture or a sound file")
        self.output = Choice("Output", "Output: a loudspeaker or headphones")
        self.rescan = _button("", "Rescan devices", "Search for devices again (F5)")
        self.play = _button("", "Play or pause", "")
        self.loop = _button("", "Loop", "Start the file again at its end (L)", checkable=True)
        self.bypass = _button(
            "Bypass", "Bypass", "Hear the unprocessed mixture, delayed as much as the voices (B)", checkable=True
        )
        self.record = _button("Record", "Record", "Record mixture and voices (R)", checkable=True)
        self.record_menu = RecordMenu()
        self.view = Segmented((("spectrogram", "", "Spectrograms (V)"), ("waveform", "", "Waveforms (V)")), "View")
        self.colours = ColourMenu()
        self.presentation = _button("", "Presentation mode", "Larger text for talks (F)", checkable=True)
        self.study = _button("", "Listening test", "Open a listening test (Ctrl+T)")
        self.blind = _button("ABX", "Blind comparison", "Compare two levels blind on this sound (Ctrl+B)")
        self.lab = _button("", "Latency lab", "Latency lab: measure this computer, choose chunk and backend (Ctrl+L)")
        self.help = _button("", "Keyboard shortcuts", "Keyboard shortcuts (?)")
        self._arrow = QLabel("→")
        self._source, self._sink = DEMO, NONE
        self._devices: Sequence[DeviceInfo] = ()
        self._theme: Theme | None = None
        self._playing = True
        self._lay_out()
        self._fill()
        self.input.activated.connect(self._input_activated)
        self.output.activated.connect(lambda: self.devices_asked.emit(self._source, self.output.currentData()))
        self.rescan.clicked.connect(self.rescan_asked)
        self.play.clicked.connect(self.play_asked)
        self.loop.clicked.connect(lambda on: self.control_asked.emit("loop", on))
        self.bypass.clicked.connect(lambda on: self.control_asked.emit("bypass", on))
        self.record.clicked.connect(self._record_clicked)
        self.view.chosen.connect(self.view_asked)
        self.presentation.clicked.connect(self.presentation_asked)
        self.study.clicked.connect(self.study_asked)
        self.blind.clicked.connect(self.blind_asked)
        self.lab.clicked.connect(self.lab_asked)
        self.help.clicked.connect(self.help_asked)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 9, 14, 9)
        row.setSpacing(8)
        self._arrow.setProperty("role", "muted")
        for widget in (self.input, self._arrow, self.output, self.rescan):
            row.addWidget(widget, stretch=1 if isinstance(widget, Choice) else 0)
        row.addStretch(1)
        for button in (self.play, self.loop, self.bypass, self.record):
            row.addWidget(button)
        row.addSpacing(-row.spacing() - 1)  # the button and its menu touch
        row.addWidget(self.record_menu)
        row.addSpacing(12)
        row.addWidget(self.view)
        for button in (self.blind, self.study, self.lab, self.colours, self.presentation, self.help):
            row.addWidget(button)
        icons = (self.rescan, self.play, self.loop, self.study, self.lab, self.presentation, self.help)
        for button in (*icons, *self.view.buttons.values()):
            if "segment" not in button.dynamicPropertyNames():
                button.setProperty("role", "icon")
        self.record.setProperty("role", "record")
        self.record.setMinimumWidth(self.record.sizeHint().width() + 24)  # the same width for every text

    def set_theme(self, theme: Theme) -> None:
        """Draw the icons in the theme's colours."""
        self._theme = theme
        fit_bold(self.bypass)
        self.record_menu.set_theme(theme)
        self.colours.set_theme(theme)
        views = self.view.buttons
        for button, name in (
            (self.rescan, "rescan"),
            (self.loop, "loop"),
            (self.presentation, "presentation"),
            (self.study, "headphones"),
            (self.lab, "lab"),
            (self.help, "help"),
            (views["spectrogram"], "spectrogram"),
            (views["waveform"], "waveform"),
        ):
            button.setIcon(icon(name, theme.text, theme.card))
        self.show_playing(self._playing)
        self.show_recording(None if not self.record.isChecked() else 0.0)

    def set_presentation(self, on: bool) -> None:
        """Hide what is not needed in front of an audience; the keys work all the same."""
        self.presentation.setChecked(on)
        for rare in (self.rescan, self.blind, self.study, self.lab):
            rare.setVisible(not on)

    def show_sound(self, source: str, sink: str, devices: Sequence[DeviceInfo] | None = None) -> None:
        """Fill both lists and select what is in use; ``devices`` is ``None`` where they have not changed."""
        self._source, self._sink = source, sink
        if devices is not None:
            self._devices = devices
        self.loop.setVisible(source == DEMO or is_regular(Path(source)))
        self._fill()

    def show_controls(self, controls: Controls) -> None:
        """Show loop and bypass; emits nothing."""
        self.loop.setChecked(controls.loop)
        self.bypass.setChecked(controls.bypass)

    def show_playing(self, playing: bool) -> None:
        """Show pause on the button while the sound plays, otherwise play."""
        self._playing = playing
        self.play.setToolTip("Pause (space)" if playing else "Play (space)")
        if self._theme:
            self.play.setIcon(icon("pause" if playing else "play", self._theme.text))

    def show_recording(self, seconds: float | None) -> None:
        """Show the elapsed time of a recording, or ``None`` while there is none."""
        recording = seconds is not None
        self.record.setChecked(recording)
        self.record.setText("Record" if seconds is None else duration(seconds))
        if self._theme:
            self.record.setIcon(
                icon(
                    "stop" if recording else "record",
                    ("#14171c" if self._theme.dark else "#ffffff") if recording else self._theme.miss,
                )
            )

    def open_file(self) -> None:
        """Ask for a sound file and use it as input."""
        path, _ = QFileDialog.getOpenFileName(self, "Open a sound file", "", SOUND_FILES)
        if path:
            self.play_file(path)
        self._fill()

    def play_file(self, path: str) -> None:
        """Use a sound file as input; the output stays."""
        self.devices_asked.emit(path, self._sink)

    def _fill(self) -> None:
        self.input.show_entries(input_entries(self._source, self._devices), self._source)
        self.output.show_entries(output_entries(self._sink, self._devices), self._sink)

    def _input_activated(self) -> None:
        source = self.input.currentData()
        if source == OPEN_FILE:
            self.open_file()
        else:
            self.devices_asked.emit(source, self._sink)

    def _record_clicked(self) -> None:
        self.record.setChecked(not self.record.isChecked())  # it changes with the engine's answer
        self.record_asked.emit()


def _button(text: str, name: str, tip: str, checkable: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
