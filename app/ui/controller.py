"""What the user asks goes to the engine, what the engine says goes to the panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from ..engine.calibrated import summary
from ..engine.commands import Calibrate, MeasureRoundTrip, Rescan, SetDevices, SetFallback, SetLevel, SetLoop, SetPaused
from ..engine.events import (
    Calibrated,
    DevicesChanged,
    Event,
    Failed,
    FellBack,
    FileEnded,
    LevelChanged,
    Notice,
    Ready,
    Recording,
    RoundTrip,
)
from .engine_link import LOADING, RUNNING, SILENT, STOPPED, EngineLink
from .facts import levels_from, rates
from .live_data import LiveData

if TYPE_CHECKING:
    from .window import MainWindow


class Controller(QObject):
    """Joins the panels of a window to an engine.

    Args:
        window: its panels exist already.
        link: not yet started.
        data: what is read from the engine.

    Attributes:
        round_trip: the last measurement, ``None`` before the first.
    """

    def __init__(self, window: MainWindow, link: EngineLink, data: LiveData) -> None:
        super().__init__(window)
        self._link, self._data, self._recordings = link, data, window.recordings
        self.round_trip: RoundTrip | None = None
        self._transport, self._tracks, self._latency = window.transport, window.tracks, window.latency
        self._level = window.level
        self._status, self._banner = window.status, window.banner
        self._pending_level: int | None = None
        self._fallen = False
        self._file_ended = False
        self._calibrated = ""
        self._connect()
        self._show_settings()

    def _connect(self) -> None:
        self._link.received.connect(self._take)
        self._link.state_changed.connect(self._show_state)
        self._link.started.connect(self._engine_started)
        self._transport.devices_asked.connect(self.set_devices)
        self._transport.rescan_asked.connect(self.rescan)
        self._transport.play_asked.connect(self.play_or_pause)
        self._transport.loop_asked.connect(self.set_loop)
        self._level.fallback_asked.connect(self.set_fallback)
        self._status.calibration_asked.connect(self.calibrate)
        self._latency.round_trip_asked.connect(self.measure_round_trip)
        self._tracks.history_wanted.connect(lambda: self._tracks.feed_history(self._data.recent_audio()))
        self._level.level_asked.connect(self._set_level)
        self._latency.reset_asked.connect(self._reset_statistics)
        self._banner.restart_asked.connect(self.restart)

    def _show_settings(self) -> None:
        settings = self._link.settings
        self._transport.show_sound(settings.input, settings.output)
        self._transport.show_loop(settings.loop_file)
        self._level.show_fallback(settings.fallback)
        self._status.show_state(LOADING)

    # ---- what the user does ----

    def choose_level(self, level: int) -> None:
        """Move the slider to ``level`` where there is such a level."""
        if self._level.isEnabled() and level <= self._level.slider.maximum():
            self._level.slider.setValue(level)

    def set_fallback(self, on: bool) -> None:
        """Let the engine go to lighter levels while chunks come too late, or not."""
        self._level.show_fallback(on)
        self._link.send(SetFallback(on))

    def set_loop(self, on: bool) -> None:
        """Start files again at their end, or not."""
        self._transport.show_loop(on)
        self._link.send(SetLoop(on))

    def measure_round_trip(self) -> None:
        """Play chirps and listen for them; the answer stands in the status line and at the latency bar."""
        if self._latency.round_trip.isEnabled() and self._link.ready is not None:
            self._latency.round_trip.setEnabled(False)
            self._status.message.show_text("Chirps are played and listened for …")
            self._link.send(MeasureRoundTrip())

    def calibrate(self) -> None:
        """Measure what computes fastest; the answer stands in the status line."""
        if self._status.computed_by.isEnabled() and self._link.ready is not None:
            self._status.computed_by.setEnabled(False)
            self._status.message.show_text("Measuring beside the sound what computes fastest here …")
            self._link.send(Calibrate())

    def _set_level(self, level: int) -> None:
        self._fallen = False
        self._pending_level = level
        self._link.send(SetLevel(level))

    def set_devices(self, source: str, output: str) -> None:
        """Change input and output."""
        self._file_ended = False
        self._latency.bar.show_measured(None)
        self._banner.hide()
        self._link.send(SetDevices(source, output))

    def rescan(self) -> None:
        """Look for devices anew."""
        self._link.send(Rescan())

    def play_or_pause(self) -> None:
        """Pause, go on, play an ended file again, or start an engine that has stopped."""
        if self._link.state == STOPPED:
            self.restart()
        elif self._file_ended:
            self.set_devices(self._link.settings.input, self._link.settings.output)
        else:
            self._link.send(SetPaused(not self._link.paused))
        self._show_state(self._link.state)

    def restart(self) -> None:
        """Start the engine again, with the settings as they are now."""
        self._banner.hide()
        self._link.start()

    def _reset_statistics(self) -> None:
        self._data.reset_statistics()
        self._latency.strip.clear()
        self._link.reset_statistics()

    # ---- what the engine says ----

    def _take(self, event: Event) -> None:
        match event:
            case Ready():
                self._show_ready(event)
            case LevelChanged(level, switch_ms):
                self._status.show_computed_by(f"{event.backend} {event.precision}", self._calibrated)
                self._show_level(level, switch_ms)
            case Calibrated(trials):
                self._status.computed_by.setEnabled(True)
                if trials:
                    self._calibrated = summary(trials)
                    self._status.show_computed_by(self._status.computed_by.text(), self._calibrated)
                    self._status.message.show_text(f"Fastest here, from the next change of level: {self._calibrated}.")
            case FellBack(level, wanted, message):
                self._fallen = level != wanted
                self._status.message.show_text(message[:1].upper() + message[1:])
            case RoundTrip():
                self._show_round_trip(event)
            case Recording():
                self._recordings.take(event)
            case Notice(message):
                self._status.message.show_text(message)
            case Failed(message, fatal):
                sentence = message[:1].upper() + message[1:]
                self._banner.show_sentence(sentence) if fatal else self._status.message.show_text(sentence)
            case DevicesChanged(devices):
                self._transport.show_sound(self._link.settings.input, self._link.settings.output, devices)
            case FileEnded():
                self._file_ended = True
                self._status.message.show_text("The file has ended. Play starts it again.")
                self._show_state(self._link.state)

    def _engine_started(self) -> None:
        self._data.follow(self._link.telemetry)
        self._file_ended = self._fallen = False
        self._latency.round_trip.setEnabled(True)
        self._status.computed_by.setEnabled(True)
        self._pending_level = None
        self._latency.strip.clear()
        self._tracks.clear()
        self._tracks.set_message("Loading the separator …")
        self._banner.restart.hide()
        if not self._banner.isHidden():
            self._banner.show_sentence("The audio engine has ended unexpectedly. It starts again …")

    def _show_ready(self, ready: Ready) -> None:
        self._status.show_computed_by(f"{ready.backend} {ready.precision}", self._calibrated)
        self._tracks.set_sample_rate(ready.sample_rate)
        self._tracks.set_message("Waiting for sound")
        self._latency.set_deadline(1000 * ready.chunk / ready.sample_rate)
        first = not self._level.isEnabled()
        self._level.set_levels(levels_from(ready.ladder), self._link.settings.level)
        if first:
            self._level.slider.setFocus()
        self._recordings.resume()
        self._transport.show_sound(self._link.settings.input, self._link.settings.output)
        self._show_state(RUNNING)

    def _show_level(self, level: int, switch_ms: float) -> None:
        if self._pending_level not in (None, level):
            return  # the slider has moved on since
        self._pending_level = None
        self._level.show_switch(switch_ms)
        if level != self._level.slider.value():  # the engine chose it
            self._level.show_level(level)
            if not self._fallen:  # else the level that was asked for is still wanted
                self._link.remember_level(level)

    def _show_round_trip(self, found: RoundTrip) -> None:
        self.round_trip = found
        self._latency.round_trip.setEnabled(True)
        self._latency.bar.show_measured(found.input_to_output_ms)
        self._status.message.show_text(found.message[:1].upper() + found.message[1:])

    def _show_state(self, state: str) -> None:
        paused = self._link.paused or self._file_ended
        self._status.show_state("Paused" if state == RUNNING and paused else state)
        self._transport.show_playing(state != STOPPED and not paused)
        if state == STOPPED:
            self._tracks.set_message("Stopped")
            if self._banner.isHidden():
                self._banner.show_sentence("The audio engine has stopped.")
            self._banner.restart.show()
        elif state == SILENT:
            self._banner.show_sentence("The audio engine has not answered for three seconds.")
            self._banner.restart.show()
        elif state == RUNNING:
            self._banner.hide()

    def refresh_text(self) -> None:
        """Write every number anew; called a few times a second."""
        ready, counters = self._link.ready, self._link.telemetry.counters
        self._tracks.refresh_text()
        self._recordings.refresh_text()
        if ready is None:
            return
        self._latency.refresh_text(self._data.statistics, counters, ready)
        self._level.refresh_text(self._data.chunk_ms())
        self._status.show_facts(
            [
                rates(ready.input_rate, ready.sample_rate, ready.output_rate),
                f"engine {100 * self._data.cpu_share():.0f} % of a core",
                f"{counters['rss_bytes'] / 2**20:.0f} MiB",
            ],
            "Sample rates of input, separator and output; processor time and memory "
            f"of the audio engine, whose priority is {ready.priority}",
        )
