"""The window's side of the engine: the wanted settings and controls, commands, events, and restarts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from PyQt6.QtCore import QObject, pyqtSignal

from ..engine.commands import Command, ResetStatistics, SetDevices
from ..engine.controls import Controls
from ..engine.events import Event, Failed, Ready
from ..engine.protocol import Settings
from ..engine.telemetry import Telemetry

LOADING, RUNNING, SILENT, STOPPED = "loading", "running", "silent", "stopped"

#: an engine that has run for this many seconds may be restarted automatically
TRUSTED_S = 30.0

#: a heartbeat older than this many seconds means that the engine hangs
HEARTBEAT_S = 3.0


class Engine(Protocol):
    """The part of :class:`~app.engine.process.EngineProcess` that is used here."""

    settings: Settings
    telemetry: Telemetry

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def send(self, command: Command) -> None: ...
    def events(self) -> Sequence[Event]: ...
    @property
    def alive(self) -> bool: ...
    @property
    def pid(self) -> int | None: ...


class EngineLink(QObject):
    """Holds what the user wants, and keeps an engine running that does it.

    The wanted controls have their only home in the window here: :attr:`controls`. They are part of the settings that a
    restarted engine is given, so it continues as the old one.

    An engine that dies while it runs is restarted once automatically. If it dies again within :data:`TRUSTED_S`
    seconds, or never became ready, the user decides.

    Args:
        engine: not yet started.
        parent: owner of this object.
    """

    #: LOADING, RUNNING, SILENT (alive without a heartbeat) or STOPPED
    state_changed = pyqtSignal(str)
    #: the wanted :class:`Controls` have changed
    controls_changed = pyqtSignal(object)
    #: an event of the engine
    received = pyqtSignal(object)
    #: the engine has ended unexpectedly, and its recording with it; it may be restarted
    died = pyqtSignal()
    #: a new engine was started: its audio positions and chunk numbers begin at 0
    started = pyqtSignal()

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self.state = STOPPED
        self.ready: Ready | None = None
        self._ready_at = self._heartbeat = 0.0
        self._restarts_left = 1

    @property
    def settings(self) -> Settings:
        """What the engine does, or will do when it is restarted."""
        return self._engine.settings

    @property
    def controls(self) -> Controls:
        """The controls that the user wants."""
        return self._engine.settings.controls

    @property
    def telemetry(self) -> Telemetry:
        """The running engine's telemetry."""
        return self._engine.telemetry

    @property
    def process(self) -> int | None:
        """Number of the engine's process, ``None`` before the first start."""
        return self._engine.pid

    def change(self, name: str, value: object) -> None:
        """Want another value of one control, and send the controls; ``name`` is a field of :class:`Controls`."""
        if self._want(self.controls.changed(**{name: value})):
            self._engine.send(self.controls)

    def settle_for(self, level: int, failed: int) -> bool:
        """Want the level that is heard, as the engine does since the wanted one has failed.

        Returns:
            Whether so; false where the user wants another level since then.
        """
        return self.controls.level == failed and self._want(self.controls.changed(level=level))

    def start(self) -> None:
        """Start the engine with the current settings; one that runs is ended first."""
        if self._engine.alive:
            self._engine.stop()
        self._want(replace(self.controls, paused=False))
        self.ready = None
        self._heartbeat = 0.0
        self._engine.start()
        self._set_state(LOADING)
        self.started.emit()

    def start_with(self, settings: Settings) -> None:
        """Start the engine with other settings."""
        self._engine.settings = settings
        self.start()

    def stop(self) -> None:
        """End the engine; its recording is closed first."""
        self._engine.stop()
        self._set_state(STOPPED)

    def send(self, command: Command) -> None:
        """Send an action. Other devices are noted in the settings, and start an engine that is stopped."""
        if isinstance(command, SetDevices):
            self._engine.settings = replace(self.settings, input=command.input, output=command.output)
            if self.state == STOPPED:
                self.start()
                return
        self._engine.send(command)

    def poll(self) -> None:
        """Take in the engine's events; called by the window's timer."""
        alive = self._engine.alive  # read before the events, so that the last ones are not missed
        for event in self._engine.events():
            if isinstance(event, Ready):
                self._take_ready(event)
            self.received.emit(event)
            if isinstance(event, Failed) and event.fatal:
                self._ended()
                return
        if self.state == STOPPED:
            return
        if not alive:
            self._ended()
        elif self.state != LOADING:
            self._heartbeat = max(self._heartbeat, self._ready_at, self.telemetry.counters["heartbeat"])
            self._set_state(SILENT if time.perf_counter() - self._heartbeat > HEARTBEAT_S else RUNNING)

    def reset_statistics(self) -> None:
        """Set the engine's counters to zero."""
        self.send(ResetStatistics())

    def _want(self, controls: Controls) -> bool:
        if controls == self.controls:
            return False
        self._engine.settings = replace(self.settings, controls=controls)
        self.controls_changed.emit(controls)
        return True

    def _take_ready(self, ready: Ready) -> None:
        if self.ready is None:
            self._ready_at = time.perf_counter()
        self.ready = ready
        # a restarted engine uses the devices that are open now, and does not measure again
        self._engine.settings = replace(self.settings, input=ready.input, output=ready.output, remeasure=False)
        self._set_state(RUNNING)

    def _ended(self) -> None:
        was_ready = self.ready is not None
        if was_ready and time.perf_counter() - self._ready_at > TRUSTED_S:
            self._restarts_left = 1
        self.died.emit()
        if was_ready and self._restarts_left > 0:
            self._restarts_left -= 1
            self.start()
        else:
            self._set_state(STOPPED)

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)
