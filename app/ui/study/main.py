"""Opens the pages of a study alone, as ``sepprune-live --study`` does."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtWidgets import QApplication, QWidget

from sepprune.errors import UserError
from sepprune.signals import asked_to_end
from sepprune.study.archive import read_study

from ...engine.player import Player
from ...engine.speaker import DeviceSpeaker, output_named
from ..main import prepared_application
from .window import StudyWindow


def run_study(file: Path, folder: Path | None = None, output: str | None = None) -> int:
    """Show the pages until the window is closed.

    Args:
        file: from ``sepprune study create``.
        folder: for result files; ``None``: the folder of the study.
        output: loudspeaker; ``None``: the system's.

    Returns:
        Exit status 0.

    Raises:
        UserError: the study cannot be read, the results cannot be written, or there is no such output.
    """
    study = read_study(file)
    results = check_results(folder or file.absolute().parent)
    device = output_named(output)
    application = prepared_application()
    player = Player(study.sample_rate, lambda render: DeviceSpeaker(device, study.sample_rate, render), channels=2)
    window = StudyWindow(study, results, player)
    show_until_closed(window, application)
    return 0


def show_until_closed(window: QWidget, application: QApplication) -> None:
    """Show a window until it is closed, also by Ctrl-C or with its terminal."""
    with asked_to_end(lambda *_: window.close()):
        window.showMaximized()
        application.exec()


def check_results(folder: Path) -> Path:
    """The folder, made where it is missing, after a file was written and removed there.

    Raises:
        UserError: it is a file, or nothing can be written there.
    """
    probe = folder / ".sepprune-writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"results cannot be written to {folder} ({error.strerror}): choose another folder with --results"
        ) from error
    return folder
