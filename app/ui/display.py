"""Opens the window system, tells where it does not answer (Qt would end the process), and what fits on the screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from PyQt6.QtCore import QSize, QtMsgType, qInstallMessageHandler
from PyQt6.QtGui import QScreen
from PyQt6.QtWidgets import QApplication

from sepprune.printing import hushed

from .theme import running_application

#: what Qt shows windows on if nothing else is possible: nowhere
_NOWHERE = "offscreen"

#: smallest size of the main window, and height of a title bar that the screen has to hold too, in logical pixels
SMALLEST, TITLE_BAR = QSize(1024, 640), 40


def opened_display() -> QApplication | None:
    """The application object, which the caller must hold, or ``None`` where no window system answers.

    ``DISPLAY`` and ``WAYLAND_DISPLAY`` may name one that has ended. Qt ends the process then, unless a platform that
    needs no window system is allowed too.
    """
    if QApplication.instance() is not None:
        return running_application()
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return QApplication(["sepprune-live"])
    wayland = os.environ.get("XDG_SESSION_TYPE") == "wayland" or not os.environ.get("DISPLAY")
    os.environ["QT_QPA_PLATFORM"] = ";".join([*(("wayland", "xcb") if wayland else ("xcb", "wayland")), _NOWHERE])
    try:
        with errors_only(), hushed():
            application = QApplication(["sepprune-live"])
    finally:
        del os.environ["QT_QPA_PLATFORM"]
    return None if application.platformName() == _NOWHERE else application


def fitting_size(width: int, height: int, screen: QScreen | None) -> QSize:
    """Size of the main window in logical pixels: the wanted one, as far as the screen has room for it.

    A screen that has no room for a window of :data:`SMALLEST` changes nothing: such a window does not fit anyway.

    Args:
        width, height: that are wanted.
        screen: that the window opens on, ``None`` where it is not known.
    """
    wanted = QSize(width, height)
    room = wanted if screen is None else screen.availableSize() - QSize(0, TITLE_BAR)
    return wanted.boundedTo(room) if room == room.expandedTo(SMALLEST) else wanted.expandedTo(SMALLEST)


@contextmanager
def errors_only() -> Iterator[None]:
    """Print Qt's errors, and not what it notes about window systems that cannot do what it tries.

    Who wants to read the notes sets Qt's own environment variable ``QT_LOGGING_RULES``.
    """
    if os.environ.get("QT_LOGGING_RULES"):
        yield
        return
    before = qInstallMessageHandler(_print_errors)
    try:
        yield
    finally:
        qInstallMessageHandler(before)


def _print_errors(kind: QtMsgType, context: object, message: str | None) -> None:
    if kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg):
        print(message, file=sys.stderr, flush=True)
