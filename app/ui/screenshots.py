"""Takes the pictures of the window for the documentation: ``python -m app.ui.screenshots FOLDER``.

The real engine separates the demo mixture meanwhile, so every figure in the pictures was measured on this computer:
close other programs first. Nothing appears on the screen.
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

#: seconds of sound before the first picture, so that the views are full
RUN_S = 11.0

#: seconds between two pictures, in which everything is painted and every number is updated
SETTLE_S = 3.0

#: longest wait for the engine, in seconds
LOADING_S = 120.0


@dataclass(frozen=True)
class Picture:
    """One picture.

    Args:
        name: file name without ending.
        dark: dark colours.
        presentation: presentation mode.
        overlay: show the keyboard shortcuts.
        view: one of :data:`~app.ui.views.tracks.VIEWS`.
    """

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

#: name of this module, also where the package was installed under another name
_MODULE = f"{__package__}.screenshots"


def main(arguments: Sequence[str] | None = None) -> int:
    """Take every picture at every scale; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {_MODULE}",
        description="Take pictures of the window: NAME.png, and NAME@2x.png for screens of high resolution.",
    )
    parser.add_argument("folder", type=Path, help="existing folder for the pictures")
    parser.add_argument("--level", type=int, default=3, help="level to show (default: 3)")
    parser.add_argument("--ladder", help="folder of the ladder (default: the bundled ladder)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=RUN_S,
        help="seconds of sound before the first picture (default: %(default)g)",
    )
    parser.add_argument("--scale", type=int, choices=SCALES, help="only this scale")
    args = parser.parse_args(arguments)
    if not args.folder.is_dir():
        print(f"there is no folder {args.folder}: create it first", file=sys.stderr)
        return 2
    if args.scale is None:  # Qt reads the scale from the environment, once in a process
        options = [*(arguments if arguments is not None else sys.argv[1:])]
        return max(
            subprocess.run(
                [sys.executable, "-m", _MODULE, *options, "--scale", str(scale)],
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
    """Run the window and take its pictures; Qt has to run at ``scale`` already.

    Returns:
        The files.

    Raises:
        UserError: the engine does not run, or a file cannot be written.
    """
    from ..engine.controls import Controls
    from ..engine.process import EngineProcess
    from ..engine.protocol import DEMO, NONE, Settings
    from .engine_link import RUNNING, STOPPED
    from .main import prepared_application
    from .settings import Preferences
    from .window import MainWindow

    application = prepared_application()
    settings = Settings(DEMO, NONE, ladder, controls=Controls(level=level, routing="split"))
    window = MainWindow(EngineProcess(settings), Preferences(recordings="Music"))
    files = []
    try:
        window.show()
        window.start()
        if not _wait(application, LOADING_S, lambda: window.link.state in (RUNNING, STOPPED)) or (
            window.link.state == STOPPED
        ):
            why = window.banner.sentence.text() or f"it was not ready after {LOADING_S:g} seconds"
            raise UserError(f"the audio engine does not run: {why}")
        _wait(application, seconds)
        for picture in PICTURES:
            window.appearance.choose("dark" if picture.dark else "light")
            window.set_view(picture.view)
            window.set_presentation(picture.presentation)
            window.overlay.setVisible(picture.overlay)
            window.overlay.raise_()
            _wait(application, min(SETTLE_S, seconds))
            files.append(folder / f"{picture.name}{'' if scale == 1 else f'@{scale}x'}.png")
            if not window.grab().save(str(files[-1])):
                raise UserError(f"cannot write {files[-1]}: give a folder with write permission")
    finally:
        window.close()
    return files


def _wait(application: QApplication, seconds: float, condition: Callable[[], bool] = lambda: False) -> bool:
    """Process events for so many seconds, or until the condition holds; returns whether it holds."""
    from PyQt6.QtCore import QDeadlineTimer, QEventLoop

    deadline = QDeadlineTimer(round(1000 * seconds))
    while not condition() and not deadline.hasExpired():
        application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
    return condition()


if __name__ == "__main__":
    sys.exit(main())
