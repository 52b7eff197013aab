"""Says in the window that the sound server has moved the sound to another device."""

from __future__ import annotations

from PyQt6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer

from ..engine.events import Event, Ready
from ..engine.sound_server import LOCALE, PROGRAM, SETTLE_S, Moves, can_be_asked, is_change, places
from .alert import Alert
from .engine_link import EngineLink
from .facts import sentence

#: milliseconds until a server that has ended is watched again
RETRY_MS = 5000


class SoundServer(QObject):
    """Watches the streams of the engine from its first :class:`~app.engine.events.Ready` on.

    Nothing here waits: both programs run beside the window, and tell when they have something to say.

    Args:
        parent: owner of this object.
        link: of the engine.

    Attributes:
        alert: the message, for the window's layout. It goes when the streams are where they began.
    """

    def __init__(self, parent: QObject, link: EngineLink) -> None:
        super().__init__(parent)
        self.alert = Alert()
        self._link = link
        self._moves = Moves()
        self._process: int | None = None
        self._said = ""
        self._changes, self._list = QProcess(self), QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        for name, value in LOCALE.items():
            environment.insert(name, value)
        for program in (self._changes, self._list):
            program.setProcessEnvironment(environment)
            program.setStandardErrorFile(QProcess.nullDevice())
        self._settle, self._retry = QTimer(self), QTimer(self)
        for timer, milliseconds in ((self._settle, round(1000 * SETTLE_S)), (self._retry, RETRY_MS)):
            timer.setSingleShot(True)
            timer.setInterval(milliseconds)
        self._settle.timeout.connect(self._ask)
        self._retry.timeout.connect(self._watch)
        self._changes.readyReadStandardOutput.connect(self._changed)
        self._changes.finished.connect(self._retry.start)
        self._list.finished.connect(self._take_list)
        link.received.connect(self._take)

    def close(self) -> None:
        """End the programs."""
        self._retry.stop()
        self._settle.stop()
        for program in (self._changes, self._list):
            program.blockSignals(True)
            program.kill()
            program.waitForFinished(500)

    def _take(self, event: Event) -> None:
        if isinstance(event, Ready) and self._link.process is not None and can_be_asked():
            if self._link.process != self._process:
                self._process, self._moves = self._link.process, Moves()
                self._show([])
            self._watch()
            self._settle.start()  # streams may be new

    def _watch(self) -> None:
        if self._changes.state() == QProcess.ProcessState.NotRunning and can_be_asked():
            self._changes.start(PROGRAM, ["subscribe"])

    def _changed(self) -> None:
        if is_change(bytes(self._changes.readAllStandardOutput().data()).decode(errors="replace")):
            self._settle.start()

    def _ask(self) -> None:
        if self._list.state() == QProcess.ProcessState.NotRunning:
            self._list.start(PROGRAM, ["list"])
        else:
            self._settle.start()

    def _take_list(self) -> None:
        listing = bytes(self._list.readAllStandardOutput().data()).decode(errors="replace")
        if self._process is not None and listing:
            self._show(self._moves.sentences(places(listing, self._process)))

    def _show(self, moved: list[str]) -> None:
        if not moved:
            self.alert.hide()
            self._said = ""
            return
        text = " ".join(f"{sentence(words)}." for words in [*moved, "the system's sound settings can move it back"])
        if text != self._said:  # once closed, it is not shown again for the same move
            self._said = text
            self.alert.show_sentence(text)
