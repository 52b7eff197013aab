"""Recording from the window: the button, its menu, the elapsed time, and continuing after an engine has died."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QObject, QUrl
from PyQt6.QtGui import QDesktopServices

from ..engine.commands import StartRecording, StopRecording
from ..engine.events import Recording, RecordingFailed
from .alert import Alert
from .engine_link import EngineLink
from .status import StatusLine
from .transport import Transport


class Recordings(QObject):
    """Connects the record button and its menu to the engine.

    Args:
        parent: owner of this object.
        transport: has the button and the menu.
        status: shows where a recording was stored.
        alert: shows why a recording has failed.
        link: not yet started.
        choice: folder and format at the start.

    Attributes:
        choice: folder and format that the user has chosen.
        path: folder of the recording that runs, ``None`` while there is none.
    """

    def __init__(
        self,
        parent: QObject,
        transport: Transport,
        status: StatusLine,
        alert: Alert,
        link: EngineLink,
        choice: StartRecording,
    ) -> None:
        super().__init__(parent)
        self._link, self._transport, self._status, self._alert = link, transport, status, alert
        self.choice = choice
        self.path: str | None = None
        self._failed = False
        self._asked = False  # a start is not answered yet
        self._since: float | None = None
        self._wanted: StartRecording | None = None  # started again with a restarted engine
        transport.record_asked.connect(self.toggle)
        transport.record_menu.format_asked.connect(lambda format: self._choose(format=format))
        transport.record_menu.folder_asked.connect(lambda folder: self._choose(folder=folder))
        transport.record_menu.opening_asked.connect(self.open_folder)
        link.died.connect(self._end)
        link.started.connect(self._end)  # an engine that did not respond is ended without a word of its own
        self._choose()

    def toggle(self) -> None:
        """Start or stop recording."""
        if self._since is None:
            self.start(self.choice)
        else:
            self._wanted = None
            self._link.send(StopRecording())

    def open_folder(self) -> None:
        """Show the folder of recordings in the file manager; before the first recording there is none."""
        folder = Path(self.choice.folder)
        if not folder.is_dir():
            self._status.message.show_text(f"There are no recordings yet: the first one makes the folder {folder}.")
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder.absolute()))):
            self._status.message.show_text(f"No program shows folders here. The recordings are in {folder}.")

    def name_voices(self, names: tuple[str, ...]) -> None:
        """Store these names with the next recordings; none where the user gave none."""
        self.choice = replace(self.choice, voices=names)

    def start(self, recording: StartRecording) -> None:
        """Start recording; the button shows it once the engine has answered, and until then nothing is sent again."""
        self._wanted = recording
        self.resume()

    def take(self, event: Recording | RecordingFailed) -> None:
        """A recording has started, ended or failed."""
        self._asked = False
        if isinstance(event, RecordingFailed):
            self._failed = True
            self._alert.show_sentence(event.message)
            return
        if event.path is None:
            self._wanted = None
        self._show(event.path)
        self._failed = False

    def resume(self) -> None:
        """The engine is ready: continue, in a new folder, a recording that ended because the engine died."""
        if self._wanted is not None and self._since is None and not self._asked:
            self._asked = True
            self._link.send(self._wanted)

    def _end(self) -> None:
        """The engine has ended, and the recording with it."""
        self._asked = False
        self._show(None)

    def refresh_text(self) -> None:
        """Update the elapsed time; called a few times a second."""
        if self._since is not None:
            self._transport.show_recording(time.perf_counter() - self._since)

    def _choose(self, folder: str | None = None, format: str | None = None) -> None:
        self.choice = replace(self.choice, folder=folder or self.choice.folder, format=format or self.choice.format)
        self._transport.record_menu.show_choice(self.choice.format, self.choice.folder)

    def _show(self, path: str | None) -> None:
        if path is None and self.path is not None and not self._failed:
            self._status.message.show_text(f"The recording is in {self.path}")
        self._since = None if path is None else time.perf_counter()
        self.path = path
        self._transport.show_recording(None if path is None else 0.0)
