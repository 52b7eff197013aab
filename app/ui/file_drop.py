"""A sound file that is dropped on the window becomes the input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PyQt6.QtCore import QEvent, QMimeData, QObject, pyqtSignal
from PyQt6.QtGui import QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QWidget

from sepprune.files import is_folder


class FileDrop(QObject):
    """Watches what is dragged over a window.

    Args:
        window: that takes the files.
    """

    #: path of the file that was dropped
    dropped = pyqtSignal(str)
    #: why nothing is played, as a sentence
    refused = pyqtSignal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if isinstance(event, QDragEnterEvent):
            if dragged(event.mimeData()):
                event.acceptProposedAction()
            return True
        if event is not None and event.type() == QEvent.Type.Drop and isinstance(event, QDropEvent):
            paths = dragged(event.mimeData())
            problem = why_not(paths)
            if problem:
                self.refused.emit(problem)
            else:
                event.acceptProposedAction()
                self.dropped.emit(paths[0])
            return True
        return False


def dragged(content: QMimeData | None) -> list[str]:
    """The paths of the files of this computer that are dragged; other content is left out."""
    urls = content.urls() if content is not None and content.hasUrls() else []
    return [url.toLocalFile() for url in urls if url.isLocalFile()]


def why_not(paths: Sequence[str]) -> str:
    """Why these paths cannot be played, as a sentence; empty where they can. What is in the file decides the engine."""
    if len(paths) != 1:
        return f"{len(paths)} files were dropped: drop one sound file at a time."
    if is_folder(Path(paths[0])):
        return f"{paths[0]} is a folder: drop a sound file."
    return ""
