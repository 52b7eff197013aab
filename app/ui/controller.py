"""Connects the panels to the engine: requests of the user go to the engine, events of the engine go to the panels."""

from __future__ import annotations

from PyQt6.QtCore import QObject

from ..engine.commands import Calibrate, MeasureRoundTrip, Rescan, RetryWantedLevel, SetDevices
from ..engine.controls import Controls
from ..engine.events import (
    Calibrated,
    DevicesChanged,
    Event,
    Failed,
    FellBack,
    FileEnded,
    LevelChanged,
    LevelFailed,
    Notice,
    Ready,
    Recording,
    RecordingFailed,
    RoundTrip,
)
from ..engine.facts import summary
from .engine_link import LOADING, RUNNING, SILENT, STOPPED, EngineLink
from .facts import rates
from .live_data import LiveData
from .panels import Panels
from .recordings import Recordings


class Controller(QObject):
    """Connects panels and engine.

    Panels that show or change controls have a signal ``control_asked(name, value)`` and a method
    ``show_controls(controls)``.

    Args:
        parent: owner of this object.
        panels: of the window.
        recordings: connects the record button.
        link: not yet started.
        data: read from the engine.

    Attributes:
        round_trip: the last measurement, ``None`` before the first.
    """

    def __init__(
        self, parent: QObject, panels: Panels, recordings: Recordings, link: EngineLink, data: LiveData
    ) -> None:
        super().__init__(parent)
        self._link, self._data, self._recordings = link, data, recordings
        self.round_trip: RoundTrip | None = None
        self._transport, self._tracks, self._latency = panels.transport, panels.tracks, panels.latency
        self._level, self._status, self._banner = panels.level, panels.status, panels.banner
        self._with_controls = (panels.transport, panels.tracks, panels.listen, panels.level)
        self._file_ended = False
        self._fastest = ""
        self._connect()
        self._transport.show_sound(link.settings.input, link.settings.output)
        self._status.show_state(LOADING)
        self._show_controls(link.controls)

    def _connect(self) -> None:
        for panel in self._with_controls:
            panel.control_asked.connect(self.change)
        self._link.controls_changed.connect(self._show_controls)
        self._link.received.connect(self._take)
        self._link.state_changed.connect(self._show_state)
        self._link.started.connect(self._engine_started)
        self._transport.devices_asked.connect(self.set_devices)
        self._transport.rescan_asked.connect(self.rescan)
        self._transport.play_asked.connect(self.play_or_pause)
        self._status.calibration_asked.connect(self.calibrate)
        self._latency.round_trip_asked.connect(self.measure_round_trip)
        self._tracks.history_wanted.connect(lambda: self._tracks.feed_history(self._data.recent_audio()))
        self._latency.reset_asked.connect(self.reset_statistics)
        self._banner.restart_asked.connect(self.restart)

    # ---- requests of the user ----

    def change(self, name: str, value: object) -> None:
        """Change one control; ``name`` is a field of :class:`~app.engine.controls.Controls`."""
        if name == "level" and value == self._link.controls.level:
            self._link.send(RetryWantedLevel())  # the slider showed a level of the fallback
        else:
            self._link.change(name, value)

    def toggle(self, name: str) -> None:
        """Switch one control on or off."""
        self.change(name, not getattr(self._link.controls, name))

    def choose_level(self, level: int) -> None:
        """Move the slider to ``level``, if the ladder has it."""
        if self._level.isEnabled() and level <= self._level.slider.maximum():
            self._level.slider.setValue(level)

    def measure_round_trip(self) -> None:
        """Play chirps and detect them; status line and latency bar show the result."""
        if self._latency.round_trip.isEnabled() and self._link.ready is not None:
            self._latency.round_trip.setEnabled(False)
            self._status.message.show_text("Measuring the round trip with chirps …")
            self._link.send(MeasureRoundTrip())

    def calibrate(self) -> None:
        """Measure which backend and precision is fastest; the status line shows the result."""
        if self._status.computed_by.isEnabled() and self._link.ready is not None:
            self._status.computed_by.setEnabled(False)
            self._status.message.show_text("Measuring the fastest backend and precision while the sound runs …")
            self._link.send(Calibrate())

    def set_devices(self, source: str, output: str) -> None:
        """Change input and output."""
        self._file_ended = False
        self._latency.bar.show_measured(None)
        self._banner.hide()
        self._status.message.show_text("")  # it was about what was used before
        self._link.send(SetDevices(source, output))

    def rescan(self) -> None:
        """Search for devices again."""
        self._link.send(Rescan())

    def play_or_pause(self) -> None:
        """Pause, continue, play an ended file again, or start an engine that has stopped."""
        if self._link.state == STOPPED:
            self.restart()
        elif self._file_ended:
            self.set_devices(self._link.settings.input, self._link.settings.output)
        else:
            self.toggle("paused")
        self._show_state(self._link.state)

    def restart(self) -> None:
        """Start the engine again with the current settings."""
        self._banner.hide()
        self._link.start()

    def reset_statistics(self) -> None:
        """Set percentiles and counters to zero."""
        self._data.reset_statistics()
        self._latency.strip.clear()
        self._link.reset_statistics()

    # ---- events of the engine ----

    def _take(self, event: Event) -> None:
        match event:
            case Ready():
                self._show_ready(event)
            case LevelChanged():
                self._show_level(event)
            case LevelFailed(level, wanted, message):
                self._status.message.show_text(message)
                if self._link.settle_for(level, wanted):
                    self._level.show_level(level)
            case Calibrated(trials):
                self._status.computed_by.setEnabled(True)
                if trials:
                    self._fastest = summary(trials)
                    self._status.show_computed_by(self._status.computed_by.text(), self._fastest)
                    self._status.message.show_text(f"Fastest on this computer: {self._fastest}.")
            case RoundTrip():
                self._show_round_trip(event)
            case Recording() | RecordingFailed():
                self._recordings.take(event)
            case Failed(message, fatal=True):
                self._banner.show_sentence(message)
            case Notice(message) | FellBack(message=message) | Failed(message):
                self._status.message.show_text(message)
            case DevicesChanged(devices):
                self._transport.show_sound(self._link.settings.input, self._link.settings.output, devices)
            case FileEnded():
                self._file_ended = True
                self._status.message.show_text("The file has ended. Press play to start it again.")
                self._show_state(self._link.state)

    def _engine_started(self) -> None:
        self._data.follow(self._link.telemetry)
        self._file_ended = False
        self._latency.round_trip.setEnabled(True)
        self._status.computed_by.setEnabled(True)
        self._latency.strip.clear()
        self._tracks.clear()
        self._tracks.set_message("Loading the separator …")
        self._banner.restart.hide()
        if not self._banner.isHidden():
            self._banner.show_sentence("The audio engine has ended unexpectedly. It is restarted …")

    def _show_ready(self, ready: Ready) -> None:
        self._status.show_computed_by(f"{ready.backend} {ready.precision}", self._fastest)
        self._tracks.set_sample_rate(ready.sample_rate)
        self._tracks.set_message("Waiting for sound")
        self._latency.set_deadline(1000 * ready.chunk / ready.sample_rate)
        first = not self._level.isEnabled()
        self._level.set_levels(ready.ladder, self._link.controls.level)
        if first:
            self._level.slider.setFocus()
        self._recordings.resume()
        self._transport.show_sound(self._link.settings.input, self._link.settings.output)
        self._show_state(RUNNING)

    def _show_level(self, changed: LevelChanged) -> None:
        self._status.show_computed_by(f"{changed.backend} {changed.precision}", self._fastest)
        if changed.wanted != self._link.controls.level:
            return  # the user wants another level since then; its answer follows
        self._level.show_switch(changed.switch_ms)
        if changed.level != self._level.slider.value():  # the fallback chose it
            self._level.show_level(changed.level)

    def _show_round_trip(self, found: RoundTrip) -> None:
        self.round_trip = found
        self._latency.round_trip.setEnabled(True)
        self._latency.bar.show_measured(found.input_to_output_ms)
        self._status.message.show_text(found.message)

    def _show_controls(self, controls: Controls) -> None:
        for panel in self._with_controls:
            panel.show_controls(controls)

    def _show_state(self, state: str) -> None:
        paused = self._link.controls.paused or self._file_ended
        self._status.show_state("Paused" if state == RUNNING and paused else state)
        self._transport.show_playing(state != STOPPED and not paused)
        self._tracks.set_live(state != STOPPED)
        if state == STOPPED:
            self.refresh_text()  # now, since the latency lab pauses the timer
            self._tracks.set_message("Stopped")
            if self._banner.isHidden():
                self._banner.show_sentence("The audio engine has stopped.")
            self._banner.restart.show()
        elif state == SILENT:
            self._banner.show_sentence("The audio engine has not responded for three seconds.")
            self._banner.restart.show()
        elif state == RUNNING:
            self._banner.hide()

    def refresh_text(self) -> None:
        """Update every number; called a few times a second."""
        ready, counters = self._link.ready, self._link.telemetry.counters
        if self._link.state == STOPPED:
            ready = None
        self._tracks.refresh_text()
        self._recordings.refresh_text()
        self._latency.refresh_text(self._data.statistics, counters, ready)
        self._level.refresh_text(self._data.chunk_ms())
        if ready is None:
            self._status.show_facts([], "")
            return
        self._status.show_facts(
            [
                rates(ready.input_rate, ready.sample_rate, ready.output_rate),
                f"engine {100 * self._data.cpu_share():.0f} % of a core",
                f"{counters['rss_bytes'] / 2**20:.0f} MiB",
            ],
            "Sample rates of input, separator and output; processor time and memory "
            f"of the audio engine, which runs at {ready.priority} priority",
        )
