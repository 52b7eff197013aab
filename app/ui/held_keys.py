"""Keys that act while they are held down."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import QEvent, QObject, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PyQt6.QtWidgets import QApplication, QWidget


class HeldKeys(QObject):
    """Says what is held: of several keys the one that was pressed last.

    A press is a shortcut, so that no control can swallow it; the release is looked for in every event of the
    application, but only while a key is held.

    Args:
        window: where the keys are valid.
        names: what each key stands for.
    """

    #: the name of the key that counts now, or ``None``
    changed = pyqtSignal(object)

    def __init__(self, window: QWidget, names: Mapping[str, str]) -> None:
        super().__init__(window)
        self._window = window
        self._names: dict[int, str] = {}
        self._held: list[int] = []
        for key, name in names.items():
            sequence = QKeySequence(key)
            code = sequence[0].key()
            self._names[code] = name
            shortcut = QShortcut(sequence, window)
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(lambda code=code: self._press(code))

    def release(self) -> None:
        """Let go of every key."""
        if self._held:
            self._held.clear()
            self._tell()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event.type() == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent) and not event.isAutoRepeat():
            if event.key() in self._held:
                self._held.remove(event.key())
                self._tell()
        elif event.type() == QEvent.Type.WindowDeactivate and watched is self._window:
            self.release()  # the release will be somebody else's event
        return False

    def _press(self, code: int) -> None:
        if code not in self._held:
            if not self._held:
                QApplication.instance().installEventFilter(self)
            self._held.append(code)
            self.changed.emit(self._names[code])

    def _tell(self) -> None:
        if not self._held:
            QApplication.instance().removeEventFilter(self)
        self.changed.emit(self._names[self._held[-1]] if self._held else None)
