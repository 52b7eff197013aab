"""The way from the main window to a listening test or a blind comparison, whose pages are a program of their own.

The main window closes then: its sound, its meters and its load on the processor must not disturb the test.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from PyQt6.QtCore import QProcess
from PyQt6.QtWidgets import QFileDialog, QWidget

from sepprune.errors import UserError
from sepprune.study.archive import read_study
from sepprune.study.live import shown

from ...engine.protocol import NONE, Settings

FILES = "Listening tests (*.zip);;All files (*)"


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
