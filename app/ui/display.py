"""Opens the window system, and tells where it does not answer: Qt would end the process."""

from __future__ import annotations

import os
import sys

from PyQt6.QtCore import QtMsgType, qInstallMessageHandler
from PyQt6.QtWidgets import QApplication

from sepprune.printing import hushed

from .theme import running_application

#: what Qt shows windows on if nothing else is possible: nowhere
_NOWHERE = "offscreen"


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
    before = qInstallMessageHandler(_errors_only)
    try:
        with hushed():
            application = QApplication(["sepprune-live"])
    finally:
        qInstallMessageHandler(before)
        del os.environ["QT_QPA_PLATFORM"]
    return None if application.platformName() == _NOWHERE else application


def _errors_only(kind: QtMsgType, context: object, message: str | None) -> None:
    """Print what ends the process, and nothing of what Qt tries."""
    if kind == QtMsgType.QtFatalMsg:
        print(message, file=sys.stderr, flush=True)
