"""Mixture and both voices, one below the other, on one time axis."""

from __future__ import annotations

from functools import partial

import numpy as np
from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QFrame, QGridLayout, QWidget

from ...engine.arrays import Samples
from ...engine.controls import SIGNALS, Controls
from ...engine.input_hint import InputHint, decibels
from ..theme import Theme
from ..voice_names import DEFAULTS, in_text
from .axes import Gutter, TimeAxis
from .canvas import Canvas
from .meter import Meter, caption
from .spectrogram import SpectrogramColumns, frequency_position
from .waveform import WaveformColumns, fitting_scale

MIXTURE = "Mixture"

NAMES = (MIXTURE, *DEFAULTS)

#: logical pixels for one second
PIXELS_PER_SECOND = 100

VIEWS = ("spectrogram", "waveform")


class Tracks(QFrame):
    """Three views fed with the newest audio; the waveforms share one amplitude scale."""

    #: name and wanted value of a control
    control_asked = pyqtSignal(str, object)
    #: the columns were removed because of another size, view or scale: feed recent audio again
    history_wanted = pyqtSignal()
    #: the user wants other names for the voices
    names_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.view, self.sample_rate = VIEWS[0], 16_000
        self.gutters = [Gutter(name) for name in NAMES]
        self.canvases = [Canvas() for _ in NAMES]
        self.meters = [Meter(name) for name in NAMES]
        self._axis = TimeAxis(PIXELS_PER_SECOND)
        self._columns: SpectrogramColumns | WaveformColumns | None = None
        self._full_scale, self._peak = 1.0, 0.0
        self._live = True
        self.input_hint = InputHint()
        self._history_timer = QTimer(self)  # so that three resized canvases cause one rebuild
        self._history_timer.setSingleShot(True)
        self._history_timer.setInterval(0)
        self._history_timer.timeout.connect(self.history_wanted)
        self._lay_out()

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 10, 10, 6)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(8)
        for row, signal in enumerate(SIGNALS):
            gutter, canvas, meter = self.gutters[row], self.canvases[row], self.meters[row]
            grid.addWidget(gutter, row, 0)
            grid.addWidget(canvas, row, 1)
            grid.addWidget(meter, row, 2)
            grid.setRowStretch(row, 1)
            canvas.resized.connect(self._renew)
            gutter.setCursor(Qt.CursorShape.PointingHandCursor)
            gutter.renaming_asked.connect(self.names_asked)
            gutter.clicked.connect(partial(self.control_asked.emit, "routing", signal))
            gutter.held.connect(lambda on, signal=signal: self.control_asked.emit("solo", signal if on else None))
        grid.addWidget(self._axis, len(NAMES), 1)
        grid.setColumnStretch(1, 1)
        self.show_names(DEFAULTS)

    def show_names(self, names: tuple[str, str]) -> None:
        """Show other names of the voices."""
        rows = zip((MIXTURE, *names), self.gutters, self.canvases, self.meters, strict=True)
        for name, gutter, canvas, meter in rows:
            gutter.set_name(name)
            gutter.setToolTip(
                f"Click to listen to {in_text(name)}; hold the button down to hear it alone\n"
                "Right-click, or press F2, to give the voices names"
            )
            canvas.setAccessibleName(f"{name}, spectrogram or waveform over time")
            meter.set_name(name)

    def set_theme(self, theme: Theme) -> None:
        """Take colours and text size."""
        for colour, gutter, canvas, meter in zip(theme.voices, self.gutters, self.canvases, self.meters, strict=True):
            gutter.set_colour(theme, colour)
            canvas.set_colour(theme, colour)
            meter.set_colour(theme, colour)
        self._axis.set_theme(theme)

    def set_view(self, view: str) -> None:
        """Show ``"spectrogram"`` or ``"waveform"``."""
        if view != self.view:
            self.view = view
            self._renew()

    def set_sample_rate(self, sample_rate: int) -> None:
        """Set the sample rate of the audio, in hertz: devices or files were opened."""
        self.sample_rate = sample_rate
        self.input_hint.reset()
        self._renew()

    def show_controls(self, controls: Controls) -> None:
        """Mark the views whose signals are heard."""
        heard = ("voice1", "voice2") if controls.heard in ("split", "both") else (controls.heard,)
        for signal, gutter in zip(SIGNALS, self.gutters, strict=True):
            gutter.set_heard(signal in heard and not controls.mute)

    def set_message(self, message: str) -> None:
        """Show a few words in the middle view while there is no sound."""
        for row, canvas in enumerate(self.canvases):
            canvas.set_message(message if row == 1 else "")

    def set_live(self, live: bool) -> None:
        """Set whether sound runs. While it does not, past sound stays, but there is no level and no now."""
        self._live = live
        self._axis.set_live(live)
        if not live:
            for meter in self.meters:
                meter.clear()
            self.input_hint.reset()
            self.canvases[0].set_warning("", "")

    def feed(self, audio: Samples, seconds: float) -> None:
        """Show ``audio`` (3, n) float32 that arrived during the last ``seconds``."""
        if not self._live:
            self.feed_history(audio)  # the last sound of an engine that has ended
            return
        for row, meter in enumerate(self.meters):
            meter.feed(audio[row], seconds)
        if audio.shape[1]:
            self.input_hint.feed(decibels(audio[0]), seconds)
            self.canvases[0].set_warning(self.input_hint.text, self.input_hint.remedy)
            self._peak = max(self._peak, float(np.abs(audio).max()))
            self.feed_history(audio)

    def feed_history(self, audio: Samples) -> None:
        """Draw ``audio`` (3, n) without changing the meters."""
        if self._columns is None:
            self._columns = self._new_columns()
        for canvas, columns in zip(self.canvases, self._columns.feed(audio), strict=True):
            canvas.append(columns)

    def refresh_text(self) -> None:
        """Update the level captions and the amplitude scale; called a few times a second."""
        mixture_db = self.meters[0].level.db
        for gutter, meter in zip(self.gutters, self.meters, strict=True):
            gutter.set_caption(caption(meter.level.db, mixture_db) if self._live else "")
        wanted, self._peak = fitting_scale(self._peak), self._peak * 0.99
        if self.view == "waveform" and wanted != self._full_scale:
            self._full_scale = wanted
            self._renew()

    def clear(self) -> None:
        """Remove everything that is shown."""
        self._renew()
        self._history_timer.stop()

    def show_history(self) -> None:
        """Draw recent audio again, for instance after the window was hidden."""
        self._renew()

    def _renew(self) -> None:
        """Remove the columns and ask for recent audio."""
        self._columns = None
        for canvas in self.canvases:
            canvas.clear()
        for gutter in self.gutters:
            gutter.set_ticks(self._ticks())
        self._history_timer.start()

    def _new_columns(self) -> SpectrogramColumns | WaveformColumns:
        rows = max(canvas.ring.rows for canvas in self.canvases)
        hop = max(1, round(self.sample_rate / PIXELS_PER_SECOND / self.devicePixelRatioF()))
        if self.view == "waveform":
            return WaveformColumns(len(NAMES), rows, hop, self._full_scale)
        return SpectrogramColumns(len(NAMES), self.sample_rate, rows, hop)

    def _ticks(self) -> list[tuple[float, str]]:
        if self.view == "waveform":
            return [(0.0, f"−{self._full_scale:g}"), (0.5, "0"), (1.0, f"{self._full_scale:g}")]
        return [
            (frequency_position(hertz, self.sample_rate), f"{hertz / 1000:g} kHz")
            for hertz in (500, 1000, 2000, 4000, 8000)
            if hertz <= self.sample_rate / 2
        ]
