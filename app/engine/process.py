"""Starts the engine in a process of its own, and talks to it."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from .commands import Command, Quit
from .events import Event, Failed
from .protocol import Settings
from .telemetry import Telemetry

#: seconds that :meth:`EngineProcess.stop` waits for the recording to be closed before it kills the process
STOP_S = 3.0

#: an engine that has done nothing for so many seconds hangs, and may take so many more until it is killed
HANGS_S, LAST_S = 2.0, 0.3


class EngineProcess:
    """Handle on the engine's process.

    >>> engine = EngineProcess(settings)                                            # doctest: +SKIP
    >>> engine.start(); engine.send(Controls(level=3)); engine.events(); engine.stop()  # doctest: +SKIP

    Only :meth:`stop` waits, for :data:`STOP_S` at most. A process that has ended can be started again: it then takes
    :attr:`settings`, which may be replaced in between, and a new :attr:`telemetry`, so read that attribute again.

    Args:
        settings: what the process is started with.
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
            RuntimeError: the process runs already.
        """
        from .worker import main  # imports nothing heavy: a backend and PortAudio are loaded in the new process

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
        # the child holds these ends: with ours closed, each process sees on its pipe when the other one ends
        commands.close()
        events.close()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.is_alive()

    @property
    def hangs(self) -> bool:
        """Whether the process runs and has taken no turn of its loop for :data:`HANGS_S`, as where a driver hangs."""
        last_turn = self.telemetry.counters["heartbeat"]
        return self.alive and last_turn > 0 and time.perf_counter() - last_turn > HANGS_S

    @property
    def pid(self) -> int | None:
        """Process number, or ``None`` before the first start."""
        return self._process.pid if self._process else None

    @property
    def exit_status(self) -> int | None:
        """0 after ``Quit``, 2 where the user's input was wrong, otherwise a fault; ``None`` while it runs."""
        return self._process.exitcode if self._process else None

    def send(self, command: Command) -> None:
        """Send a command; it is dropped where the engine has ended."""
        try:
            if self._commands is not None:
                self._commands.send(command)
        except OSError:
            pass  # events() reports that the process has ended

    def events(self) -> list[Event]:
        """Events since the last call, oldest first.

        A process that was killed or crashed is reported once, as a fatal ``Failed``.
        """
        received: list[Event] = []
        if self._events is None or self._process is None:
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
        """End the process, which closes its recording first; after :data:`STOP_S` it is killed, sooner if it hangs."""
        if self._process is None:
            return
        self.send(Quit())
        self._process.join(LAST_S if self.hangs else STOP_S)
        self.kill()

    def kill(self) -> None:
        """End the process at once, if it still runs."""
        if self._process is not None and self._process.is_alive():
            self._ended = True  # so that events() does not report the kill
            self._process.kill()
            self._process.join()

    def _close(self) -> None:
        for connection in (self._commands, self._events):
            if connection is not None:
                connection.close()


@contextlib.contextmanager
def _ignored_interrupt() -> Iterator[None]:
    """Let the child ignore Ctrl-C from its first instruction: a terminal sends it to parent and child."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set this; the engine ignores Ctrl-C as soon as it runs
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
