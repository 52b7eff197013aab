"""The window's side of the engine: commands out, events in, and what happens when the engine ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PyQt6.QtCore import QObject, pyqtSignal

from ..engine.commands import (
    Command,
    ResetStatistics,
    SetBypass,
    SetDevices,
    SetFallback,
    SetGain,
    SetLevel,
    SetLoop,
    SetMute,
    SetPaused,
    SetRouting,
)
from ..engine.events import Event, Failed, Ready
from ..engine.protocol import DEMO, NONE, Settings
from ..engine.telemetry import Telemetry

LOADING, RUNNING, SILENT, STOPPED = "loading", "running", "silent", "stopped"

#: an engine that has run this long may be started again without asking
TRUSTED_S = 30.0

#: a heartbeat older than this means that the engine hangs
HEARTBEAT_S = 3.0


class Engine(Protocol):
    """What is needed of :class:`~app.engine.process.EngineProcess`."""

    settings: Settings
    telemetry: Telemetry

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def send(self, command: Command) -> None: ...
    def events(self) -> Sequence[Event]: ...
    @property
    def alive(self) -> bool: ...


class EngineLink(QObject):
    """Remembers what was asked for, so that an engine that is started again goes on as the old one.

    An engine that dies while it runs is started again once by itself; if it dies again within
    :data:`TRUSTED_S` seconds, or never became ready, the user decides.
    """

    #: one of LOADING, RUNNING, SILENT (alive without a heartbeat), STOPPED
    state_changed = pyqtSignal(str)
    received = pyqtSignal(object)
    #: the engine has ended by itself, and with it a recording; it may be started again
    died = pyqtSignal()
    #: a new engine runs: its audio positions and chunk numbers begin at 0
    started = pyqtSignal()

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self.state = STOPPED
        self.bypass = self.muted = self.paused = False
        self.ready: Ready | None = None
        self._before: Settings | None = None  # devices to show again if the new ones fail
        self._ready_at = self._heartbeat = 0.0
        self._restarts_left = 1

    @property
    def settings(self) -> Settings:
        """What the engine does, or will do when it is started again."""
        return self._engine.settings

    @property
    def telemetry(self) -> Telemetry:
        """The running engine's telemetry."""
        return self._engine.telemetry

    def start(self) -> None:
        """Start the engine, or end it and start it anew with the current settings."""
        if self._engine.alive:
            self._engine.stop()
        self.paused = False
        self.ready = self._before = None
        self._heartbeat = 0.0
        self._engine.start()
        self._set_state(LOADING)
        self.started.emit()

    def stop(self) -> None:
        """End the engine; a recording is closed first."""
        self._engine.stop()
        self._set_state(STOPPED)

    def send(self, command: Command) -> None:
        """Remember what the command changes and hand it over."""
        match command:
            case SetLevel(level):
                self._engine.settings = replace(self.settings, level=level)
            case SetRouting(routing):
                self._engine.settings = replace(self.settings, routing=routing)
            case SetGain(db):
                self._engine.settings = replace(self.settings, gain_db=db)
            case SetDevices(source, output):
                self._before = self._before or self.settings
                self._engine.settings = replace(self.settings, input=source, output=output)
            case SetFallback(on):
                self._engine.settings = replace(self.settings, fallback=on)
            case SetLoop(on):
                self._engine.settings = replace(self.settings, loop_file=on)
            case SetBypass(on):
                self.bypass = on
            case SetMute(on):
                self.muted = on
            case SetPaused(on):
                self.paused = on
        if self.state == STOPPED and isinstance(command, SetDevices):
            self.start()
        else:
            self._engine.send(command)

    def remember_level(self, level: int) -> None:
        """The engine has changed the level by itself."""
        self._engine.settings = replace(self.settings, level=level)

    def poll(self) -> None:
        """Take in what the engine has said; called by the window's timer."""
        alive = self._engine.alive  # asked before its last words are read, so that none of them is missed
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

    def _take_ready(self, ready: Ready) -> None:
        if self.ready is None:
            self._ready_at = time.perf_counter()
            for command in (SetBypass(self.bypass), SetMute(self.muted)):
                if command.on:
                    self._engine.send(command)
        self.ready = ready
        self._engine.settings = replace(self._with_devices_in_use(ready), remeasure=False)  # it was told once
        self._before = None
        self._set_state(RUNNING)

    def _with_devices_in_use(self, ready: Ready) -> Settings:
        """The settings; where the engine went on with the old device, or completed a name, that one."""
        result = self.settings
        for side, name in (("input", ready.input_name), ("output", ready.output_name)):
            wanted = getattr(result, side)
            if wanted not in (DEMO, NONE, name) and Path(wanted).name != name:
                result = replace(result, **{side: name if self._before is None else getattr(self._before, side)})
        return result

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
