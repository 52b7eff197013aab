"""Makes the pictures of the window that documents show: ``python -m app.ui.screenshots FOLDER``.

The real engine separates the demo mixture while they are taken, so every figure in them was measured on this computer:
take them on a calm one. Nothing appears on the screen.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sepprune.errors import UserError

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QApplication

#: how long the engine runs before a picture is taken: the views are full
RUN_S = 11.0

#: between two pictures: everything has been painted anew, and every number written
SETTLE_S = 3.0

#: the longest wait for the engine
LOADING_S = 120.0


@dataclass(frozen=True)
class Picture:
    """One picture: file name without ending, colours, and what is shown."""

    name: str
    dark: bool = False
    presentation: bool = False
    overlay: bool = False
    view: str = "spectrogram"


PICTURES = (
    Picture("live"),
    Picture("live-dark", dark=True),
    Picture("waveform-dark", dark=True, view="waveform"),
    Picture("presentation", presentation=True),
    Picture("shortcuts", overlay=True),
)

SCALES = (1, 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Take every picture at every scale; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m app.ui.screenshots",
        description="Take pictures of the window: NAME.png and, for fine screens, NAME@2x.png.",
    )
    parser.add_argument("folder", type=Path, help="where the pictures go; it has to exist")
    parser.add_argument("--level", type=int, default=3, help="level to show (default: 3)")
    parser.add_argument("--ladder", help="ladder to use (default: the one that ships)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=RUN_S,
        help="how long sound runs before the first picture (default: %(default)g)",
    )
    parser.add_argument("--scale", type=int, choices=SCALES, help="only this scale")
    args = parser.parse_args(arguments)
    if not args.folder.is_dir():
        print(f"there is no folder {args.folder}: make it first", file=sys.stderr)
        return 2
    if args.scale is None:  # Qt takes its scale from the environment, once for a process
        options = [*(arguments if arguments is not None else sys.argv[1:])]
        return max(
            subprocess.run(
                [sys.executable, "-m", "app.ui.screenshots", *options, "--scale", str(scale)],
                env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": str(scale)},
            ).returncode
            for scale in SCALES
        )
    try:
        for file in take(args.folder, args.level, args.ladder, args.seconds, args.scale):
            print(file)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def take(folder: Path, level: int, ladder: str | None, seconds: float, scale: int) -> list[Path]:
    """Run the window and photograph it; Qt has to be at ``scale`` already.

    Returns:
        The files.

    Raises:
        UserError: the engine does not run, or a file cannot be written.
    """
    from ..engine.process import EngineProcess
    from ..engine.protocol import DEMO, NONE, Settings
    from .engine_link import RUNNING, STOPPED
    from .main import prepared_application
    from .settings import Preferences
    from .theme import DARK, LIGHT
    from .window import MainWindow

    application = prepared_application()
    settings = Settings(DEMO, NONE, level, ladder, 8.0, "split", "auto")
    window = MainWindow(EngineProcess(settings), Preferences(recordings="Music"))
    files = []
    try:
        window.show()
        window.start()
        if not _wait(application, LOADING_S, lambda: window.link.state in (RUNNING, STOPPED)) or (
            window.link.state == STOPPED
        ):
            raise UserError(f"the audio engine does not run: {window.banner.sentence.text() or 'it took too long'}")
        _wait(application, seconds)
        for picture in PICTURES:
            window.set_theme(DARK if picture.dark else LIGHT)
            window.set_view(picture.view)
            window.set_presentation(picture.presentation)
            window.overlay.setVisible(picture.overlay)
            window.overlay.raise_()
            _wait(application, min(SETTLE_S, seconds))
            files.append(folder / f"{picture.name}{'' if scale == 1 else f'@{scale}x'}.png")
            if not window.grab().save(str(files[-1])):
                raise UserError(f"cannot write {files[-1]}: give a folder that may be written to")
    finally:
        window.close()
    return files


def _wait(application: QApplication, seconds: float, condition: Callable[[], bool] = lambda: False) -> bool:
    """Let the window live for so long, or until the condition holds; returns whether it does."""
    from PyQt6.QtCore import QDeadlineTimer, QEventLoop

    deadline = QDeadlineTimer(round(1000 * seconds))
    while not condition() and not deadline.hasExpired():
        application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
    return condition()


if __name__ == "__main__":
    sys.exit(main())
