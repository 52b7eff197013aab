"""Keys that have an effect while they are held down."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PyQt6.QtCore import QEvent, QObject, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PyQt6.QtWidgets import QWidget

from .theme import running_application


class HeldKeys(QObject):
    """Reports the key that is held down; of several, the one that was pressed last.

    A press is detected as a shortcut, so that no control can take it. The release is detected by an event filter on the
    application, which is installed only while a key is held.

    Args:
        window: where the keys are valid.
        names: key and the name to report for it.
    """

    #: the name of the key that is held, or ``None``
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
            shortcut.activated.connect(partial(self._press, code))

    def release(self) -> None:
        """Treat every key as released."""
        if self._held:
            self._held.clear()
            self._tell()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None:
            return False
        if event.type() == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent) and not event.isAutoRepeat():
            if event.key() in self._held:
                self._held.remove(event.key())
                self._tell()
        elif event.type() == QEvent.Type.WindowDeactivate and watched is self._window:
            self.release()  # another window receives the key release
        return False

    def _press(self, code: int) -> None:
        if code not in self._held:
            if not self._held:
                running_application().installEventFilter(self)
            self._held.append(code)
            self.changed.emit(self._names[code])

    def _tell(self) -> None:
        if not self._held:
            running_application().removeEventFilter(self)
        self.changed.emit(self._names[self._held[-1]] if self._held else None)
