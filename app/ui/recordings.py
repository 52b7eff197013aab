"""Recording from the window: the button, its menu, the elapsed time, and going on after the engine has died."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from ..engine.commands import StartRecording, StopRecording
from ..engine.events import Recording
from .engine_link import EngineLink

if TYPE_CHECKING:
    from .window import MainWindow


class Recordings(QObject):
    """Joins the record button and its menu to the engine.

    Args:
        window: its panels exist already.
        link: not yet started.
        choice: folder that recordings go to, and their format.

    Attributes:
        choice: what the user has made of it.
    """

    def __init__(self, window: MainWindow, link: EngineLink, choice: StartRecording) -> None:
        super().__init__(window)
        self._link, self._transport, self._status = link, window.transport, window.status
        self.choice = choice
        self._since: float | None = None
        self._path: str | None = None
        self._wanted: StartRecording | None = None  # goes on with an engine that is started again
        self._transport.record_asked.connect(self.toggle)
        self._transport.record_menu.format_asked.connect(lambda format: self._choose(format=format))
        self._transport.record_menu.folder_asked.connect(lambda folder: self._choose(folder=folder))
        link.died.connect(lambda: self._show(None))
        self._choose()

    def toggle(self) -> None:
        """Start or stop recording."""
        if self._since is None:
            self.start(self.choice)
        else:
            self._wanted = None
            self._link.send(StopRecording())

    def start(self, recording: StartRecording) -> None:
        """Start recording; the engine's answer shows it."""
        self._wanted = recording
        self._link.send(recording)

    def take(self, event: Recording) -> None:
        """The engine records, or has stopped."""
        if event.path is None:
            self._wanted = None
        self._show(event.path)

    def resume(self) -> None:
        """The engine is ready: record on, into a new folder, what an engine that died has left unfinished."""
        if self._wanted is not None and self._since is None:
            self._link.send(self._wanted)

    def refresh_text(self) -> None:
        """Write the elapsed time anew; called a few times a second."""
        if self._since is not None:
            self._transport.show_recording(time.perf_counter() - self._since)

    def _choose(self, **changes: str) -> None:
        self.choice = replace(self.choice, **changes)
        self._transport.record_menu.show_choice(self.choice.format, self.choice.folder)

    def _show(self, path: str | None) -> None:
        if path is None and self._path is not None:
            self._status.message.show_text(f"The recording is in {self._path}")
        self._since = None if path is None else time.perf_counter()
        self._path = path
        self._transport.show_recording(None if path is None else 0.0)
