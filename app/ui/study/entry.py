"""The way from the main window to a listening test: choose a file, check it, open the pages in a program of their own.

The main window closes then: its sound, its meters and its load on the processor must not disturb the test.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PyQt6.QtCore import QProcess
from PyQt6.QtWidgets import QFileDialog, QWidget

from sepprune.errors import UserError
from sepprune.study.archive import read_study

from ...engine.protocol import NONE

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
    package = __name__.partition(".")[0]  # `app` in a checkout, `sepprune_live` where it is installed
    arguments = ["-m", package, "--study", str(file)]
    if output != NONE:
        arguments += ["--output", output]
    if not QProcess.startDetached(sys.executable, arguments)[0]:
        raise UserError(f"{sys.executable} cannot be started: run sepprune-live --study {file} in a terminal")
