"""The engine in a process of its own, seen from the process that started it."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection

from .commands import Command, Quit
from .events import Event, Failed
from .protocol import Settings
from .telemetry import Telemetry

#: how long :meth:`EngineProcess.stop` waits for a recording to be closed before it ends the process the hard way
STOP_S = 3.0


class EngineProcess:
    """Handle on the engine's process.

    >>> engine = EngineProcess(settings)                                            # doctest: +SKIP
    >>> engine.start(); engine.send(SetLevel(3)); engine.events(); engine.stop()    # doctest: +SKIP

    No method waits but :meth:`stop`, and that one not long. A process that died can be started again: it takes
    :attr:`settings`, which may be replaced in between, and a fresh :attr:`telemetry`, so fetch that anew.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.telemetry = Telemetry()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._commands: Connection | None = None
        self._events: Connection | None = None
        self._ended = False

    def start(self) -> None:
        """Start the process; it answers with ``Ready`` or with a fatal ``Failed``.

        Raises:
            RuntimeError: it runs already.
        """
        from .worker import main  # imports nothing heavy itself: torch and PortAudio load in the new process

        if self.alive:
            raise RuntimeError("the engine runs already: stop it first")
        self._close()
        context = multiprocessing.get_context("spawn")
        self.telemetry = Telemetry()
        self._ended = False
        commands, self._commands = context.Pipe(duplex=False)
        self._events, events = context.Pipe(duplex=False)
        self._process = context.Process(
            target=main, name="sepprune-engine", daemon=True, args=(self.settings, self.telemetry, commands, events)
        )
        with _ignored_interrupt():
            self._process.start()
        # the child holds these ends now: with ours closed, the end of either process shows on the other's pipe
        commands.close()
        events.close()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """Process number, once started."""
        return self._process.pid if self._process else None

    @property
    def exit_status(self) -> int | None:
        """0 after ``Quit``, 2 where the user's input was wrong, else a fault; ``None`` while it runs."""
        return self._process.exitcode if self._process else None

    def send(self, command: Command) -> None:
        """Hand over a command; one for an engine that has ended is dropped."""
        try:
            if self._commands is not None:
                self._commands.send(command)
        except OSError:
            pass  # events() reports the end

    def events(self) -> list[Event]:
        """What the engine has said since the last call, oldest first.

        A process that ended without a word (killed, crashed) is reported here once, as a fatal ``Failed``.
        """
        received: list[Event] = []
        if self._events is None:
            return received
        try:
            while self._events.poll():
                event = self._events.recv()
                self._ended |= isinstance(event, Failed) and event.fatal
                received.append(event)
        except (EOFError, OSError):
            if not self._ended:
                self._ended = True
                self._process.join(STOP_S)
                if code := self._process.exitcode:
                    how = f"by signal {-code}" if code < 0 else f"with exit status {code}"
                    received.append(Failed(f"the audio engine ended {how}: start it again", fatal=True))
        return received

    def stop(self) -> None:
        """End the process and let it close its recording; after three seconds it is killed."""
        if self._process is None:
            return
        self.send(Quit())
        self._process.join(STOP_S)
        if self._process.is_alive():
            self._ended = True  # that is no news
            self._process.kill()
            self._process.join()

    def _close(self) -> None:
        for connection in (self._commands, self._events):
            if connection is not None:
                connection.close()


@contextlib.contextmanager
def _ignored_interrupt() -> Iterator[None]:
    """Start a process that ignores Ctrl-C from its first instruction: a terminal sends it to parent and child alike."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say so; the engine ignores it as soon as it runs
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
