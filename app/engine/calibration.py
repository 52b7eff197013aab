"""Measures, while sound runs, which backend and precision is fastest on this machine."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from sepprune.errors import UserError

from .events import Calibrated, Event, Notice
from .facts import Trial

if TYPE_CHECKING:
    from sepprune.streaming import StreamingSeparator


class Calibration:
    """Prepares levels and times them in a thread of low priority.

    Args:
        separator: the stream whose levels are measured.
        emit: takes ``Calibrated`` and ``Notice``; called from the thread too.
    """

    def __init__(self, separator: StreamingSeparator, emit: Callable[[Event], None]) -> None:
        self._separator, self._emit = separator, emit
        self._thread: threading.Thread | None = None

    def start(self, again: bool) -> None:
        """Compile every level, then measure what has not been measured; with ``again``, measure everything.

        Does nothing while an earlier call is still at work.
        """
        from sepprune.streaming.beside import start_beside

        separator = self._separator
        if self._thread is not None and self._thread.is_alive():
            return
        if again and not separator.automatic:
            self._emit(Notice("backend and precision were named at the start: there is nothing to choose"))
            self._emit(Calibrated(()))
            return

        def work() -> None:
            separator.prepare()
            if again or not separator.calibrated:
                self._emit(Calibrated(self._trials()))

        self._thread = start_beside(work, "calibration")

    def _trials(self) -> tuple[Trial, ...]:
        try:
            return tuple(Trial(**dataclasses.asdict(trial)) for trial in self._separator.calibrate())
        except UserError as error:
            self._emit(Notice(f"the fastest backend and precision could not be measured: {error}"))
            return ()
