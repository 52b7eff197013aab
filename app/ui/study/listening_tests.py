"""The buttons and keys of the main window that lead to listening tests."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtWidgets import QWidget

from sepprune.errors import UserError

from ..engine_link import EngineLink
from ..facts import sentence
from ..status import StatusLine
from ..transport import Transport
from .choice import ask_for_levels
from .entry import ask_for_study, start_live, start_study


class ListeningTests:
    """Opens listening tests and blind comparisons, and closes the window for them.

    Args:
        window: to close.
        transport: has the buttons.
        status: says why a test does not open.
        link: to the engine.
    """

    def __init__(self, window: QWidget, transport: Transport, status: StatusLine, link: EngineLink) -> None:
        self._window, self._status, self._link = window, status, link
        transport.study_asked.connect(self.open_study)
        transport.blind_asked.connect(self.open_blind)

    def open_study(self) -> None:
        """Ask for a listening test, open its pages, and close the window."""
        file = ask_for_study(self._window)
        if file is not None:
            self._leave_for(lambda: start_study(file, self._link.settings.output))

    def open_blind(self) -> None:
        """Ask for two levels, open the pages that compare them blind on the running sound, and close the window."""
        ready = self._link.ready
        chosen = None if ready is None else ask_for_levels(self._window, ready.ladder, self._link.controls.level)
        if chosen is not None:
            self._leave_for(lambda: start_live(chosen, self._link.settings))

    def _leave_for(self, start: Callable[[], None]) -> None:
        try:
            start()
        except UserError as error:
            self._status.message.show_text(sentence(str(error)))
        else:
            self._window.close()
