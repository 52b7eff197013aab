"""Says in the window that the sound server has moved the sound to another device."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal

from ..engine.events import Event, Ready
from ..engine.server_watch import ServerWatch
from ..engine.sound_server import can_be_asked
from .alert import Alert
from .engine_link import EngineLink
from .facts import sentence


class SoundServer(QObject):
    """Watches the streams of the engine from its first :class:`~app.engine.events.Ready` on.

    Args:
        parent: owner of this object.
        link: of the engine.

    Attributes:
        alert: the message, for the window's layout. It goes when output and input are where they began.
        watch: of the engine that runs; None before the first one, or where no sound server can be asked.
    """

    #: process of an engine, and a sentence for output and input where it is elsewhere; from a thread of the watch
    _told = pyqtSignal(int, list)

    def __init__(self, parent: QObject, link: EngineLink) -> None:
        super().__init__(parent)
        self.alert = Alert()
        self.watch: ServerWatch | None = None
        self._link = link
        self._process: int | None = None
        self._devices: dict[str, str] = {}
        self._told.connect(self._take_moves)
        link.received.connect(self._take)

    def close(self) -> None:
        """End the watch and its programs."""
        if self.watch is not None:
            self.watch.close()

    def _take(self, event: Event) -> None:
        process = self._link.process
        if not isinstance(event, Ready) or process is None or not can_be_asked():
            return
        before, self._devices = self._devices, {"output": event.output, "input": event.input}
        if process != self._process:
            self.close()
            self.alert.hide()
            self._process = process
            self.watch = ServerWatch(process, lambda moved: self._told.emit(process, moved))
        elif self.watch is not None:
            for direction in self._devices:
                if self._devices[direction] != before[direction]:
                    self.watch.choose(direction)

    def _take_moves(self, process: int, moved: list[str]) -> None:
        if process != self._process:  # of an engine that has ended
            return
        if moved:
            words = [*moved, "the system's sound settings can move it back"]
            self.alert.show_sentence(" ".join(f"{sentence(part)}." for part in words))
        else:
            self.alert.hide()
