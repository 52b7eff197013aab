"""A window that shows one page at a time while something plays."""

from __future__ import annotations

from PyQt6.QtCore import QTimer
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from ..theme import Theme, running_application, system_theme
from .pages import Message, Page
from .sounds import Sounds
from .style import SCALE, study_style
from .trial import TrialPage

#: milliseconds between two looks at the player
TICK_MS = 33


class PagedWindow(QWidget):
    """A stack of pages of which the current one is shown. Every page but that of a question begins in silence.

    Args:
        title: of the window.
        player: what plays; the window closes it.
        theme: colours; ``None``: those of the system.

    Attributes:
        player: what plays.
        theme: colours and text size.
        timer: calls :meth:`tick`, once it is started.
        kept: a page that is used again; the others are deleted when another one is shown.
    """

    def __init__(self, title: str, player: Sounds, theme: Theme | None) -> None:
        super().__init__()
        self.player, self.kept = player, QWidget()
        self.theme = theme or system_theme(running_application())
        font = running_application().font()
        self.theme = self.theme.with_points(max(9.0, font.pointSizeF()) * SCALE)
        self.setObjectName("page")
        self.setWindowTitle(title)
        self.setMinimumSize(1000, 700)
        self.setStyleSheet(study_style(self.theme))
        self._pages = QStackedWidget()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)
        self.timer = QTimer(self)
        self.timer.setInterval(TICK_MS)
        self.timer.timeout.connect(self.tick)

    @property
    def page(self) -> QWidget:
        """The page that is shown."""
        shown = self._pages.currentWidget()
        assert shown is not None
        return shown

    def tick(self) -> None:
        """Look at the player."""
        self.player.watch()

    def show_page(self, page: QWidget) -> None:
        """Show a page in place of the one before it."""
        if not isinstance(page, TrialPage):
            self.player.stop()
        before = self._pages.currentWidget()
        self._pages.addWidget(page)
        self._pages.setCurrentWidget(page)
        if before is not None and before is not page:
            self._pages.removeWidget(before)
            if before is not self.kept:
                before.deleteLater()

    def show_notice(self, text: str) -> None:
        """Show a sentence on the page."""
        if isinstance(self.page, Page | TrialPage):
            self.page.show_notice(text)

    def fail(self, text: str) -> None:
        """Show why the test cannot continue."""
        self.show_page(Message("The test cannot continue", text, [("Close", self.leave)]))

    def leave(self) -> None:
        """Close the window."""
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self.timer.stop()
        self.player.close()
        super().closeEvent(event)
