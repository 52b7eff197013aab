"""Colours and text size of the main window: what the user has chosen, and what follows from system and window size."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, QSize, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QWidget

from .theme import COLOURS, Theme, chosen_theme, running_application

#: smallest text that is used, in points, whatever the desktop says
SMALLEST_POINTS = 9.0

#: text size of the presentation mode in a window of :data:`SMALL`, relative to the normal one; it grows with the window
PRESENTATION, SMALL = 1.4, QSize(1280, 720)

#: text grows in steps of this share of the normal size, so that a window that is resized is not laid out all the time
STEP = 0.1


class Appearance(QObject):
    """Holds the choice of colours and of the presentation mode, and tells when the theme that follows has changed.

    Args:
        window: whose size counts; its events are watched.
        colours: one of :data:`~app.ui.theme.COLOURS`.

    Attributes:
        colours: one of :data:`~app.ui.theme.COLOURS`.
        presentation: whether the presentation mode is on.
        theme: colours and text size now.
    """

    #: the theme or the mode is another one
    changed = pyqtSignal()

    def __init__(self, window: QWidget, colours: str) -> None:
        super().__init__(window)
        self._window = window
        self.colours, self.presentation = colours, False
        self.theme = self._fitting_theme()
        window.installEventFilter(self)
        if hints := running_application().styleHints():
            hints.colorSchemeChanged.connect(self._update)

    @property
    def scale(self) -> float:
        """Text size relative to the normal one."""
        if not self.presentation:
            return 1.0
        size = self._window.size()
        growth = max(1.0, min(size.width() / SMALL.width(), size.height() / SMALL.height()))
        return round(PRESENTATION * growth / STEP) * STEP

    @property
    def theme_beside(self) -> Theme:
        """The theme of other windows, which do not grow with the main one: the same colours, normal text."""
        return self.theme.with_points(self.theme.points / self.scale)

    def choose(self, colours: str) -> None:
        """Use other colours, one of :data:`~app.ui.theme.COLOURS`."""
        self.colours = colours
        self._take_theme()
        self.changed.emit()

    def choose_next(self) -> None:
        """Use the next of :data:`~app.ui.theme.COLOURS`."""
        self.choose(COLOURS[(COLOURS.index(self.colours) + 1) % len(COLOURS)])

    def present(self, on: bool) -> None:
        """Switch the presentation mode on or off."""
        self.presentation = on
        self._take_theme()
        self.changed.emit()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and (event.type() == QEvent.Type.PaletteChange or isinstance(event, QResizeEvent)):
            self._update()
        return False

    def _update(self) -> None:
        if self._take_theme():
            self.changed.emit()

    def _take_theme(self) -> bool:
        """Take the fitting theme; returns whether it is another one."""
        before, self.theme = self.theme, self._fitting_theme()
        return self.theme != before

    def _fitting_theme(self) -> Theme:
        application = running_application()
        points = max(SMALLEST_POINTS, application.font().pointSizeF()) * self.scale
        return chosen_theme(self.colours, application).with_points(points)
