"""The way from the main window to a listening test or a blind comparison, whose pages are a program of their own.

The main window closes then: its sound, its meters and its load on the processor must not disturb the test.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtCore import QProcess
from PyQt6.QtWidgets import QFileDialog, QWidget

from sepprune.errors import UserError
from sepprune.study.archive import read_study
from sepprune.study.live import shown

from ...engine.protocol import NONE, Settings
from ..engine_link import EngineLink
from ..status import StatusLine
from ..transport import Transport
from .choice import ask_for_levels

FILES = "Listening tests (*.zip);;All files (*)"


class ListeningTests:
    """Opens listening tests and blind comparisons, and closes the window for them.

    Args:
        window: to close.
        transport: has the buttons.
        status: says why a test does not open.
        link: to the engine.
    """

    def __init__(self, window: QWidget, transport: Transport, status: StatusLine, link: EngineLink) -> None:
        self._window, self._status, self._link = window, status, link
        transport.study_asked.connect(self.open_study)
        transport.blind_asked.connect(self.open_blind)

    def open_study(self) -> None:
        """Ask for a listening test, open its pages, and close the window."""
        file = ask_for_study(self._window)
        if file is not None:
            self._leave_for(lambda: start_study(file, self._link.settings.output))

    def open_blind(self) -> None:
        """Ask for two levels, open the pages that compare them blind on the running sound, and close the window."""
        ready = self._link.ready
        chosen = None if ready is None else ask_for_levels(self._window, ready.ladder, self._link.controls.level)
        if chosen is not None:
            self._leave_for(lambda: start_live(chosen, self._link.settings))

    def _leave_for(self, start: Callable[[], None]) -> None:
        try:
            start()
        except UserError as error:
            self._status.message.show_text(str(error))
        else:
            self._window.close()


def ask_for_study(parent: QWidget) -> Path | None:
    """The study that the user chooses, ``None`` where the dialog is cancelled."""
    path, _ = QFileDialog.getOpenFileName(parent, "Open a listening test", "", FILES)
    return Path(path) if path else None


def start_study(file: Path, output: str) -> None:
    """Open the pages of a study in a new process, which outlives this one.

    Args:
        file: from ``sepprune study create``.
        output: a device, or ``"none"`` for the system's.

    Raises:
        UserError: the file is no study, or the process cannot start.
    """
    read_study(file)
    _start("--study", str(file), *_output(output))


def start_live(compared: Sequence[int | None], settings: Settings) -> None:
    """Open the pages of a blind comparison on the live stream in a new process, which outlives this one.

    Args:
        compared: two levels, or a level and ``None`` for the unprocessed mixture.
        settings: of the engine that runs; input, output, routing and what computes stay.

    Raises:
        UserError: the process cannot start.
    """
    routing = settings.controls.routing
    arguments = ["--blind", shown(compared), "--input", settings.input, *_output(settings.output)]
    arguments += ["--routing", "split" if routing == "mixture" else routing, "--chunk-ms", f"{settings.chunk_ms:g}"]
    arguments += ["--backend", settings.backend, "--precision", settings.precision, "--threads", str(settings.threads)]
    if settings.ladder is not None:
        arguments += ["--ladder", settings.ladder]
    _start(*arguments)


def _output(output: str) -> list[str]:
    return [] if output == NONE else ["--output", output]


def _start(*arguments: str) -> None:
    package = __name__.partition(".")[0]  # `app` in a checkout, `sepprune_live` where it is installed
    if not QProcess.startDetached(sys.executable, ["-m", package, *arguments])[0]:
        command = " ".join(arguments)
        raise UserError(f"{sys.executable} cannot be started: run sepprune-live {command} in a terminal")
