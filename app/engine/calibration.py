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
    """Prepares levels and times them in a thread and a child process.

    Args:
        separator: the stream whose levels are measured.
        emit: takes ``Calibrated`` and ``Notice``; called from the thread too.
    """

    def __init__(self, separator: StreamingSeparator, emit: Callable[[Event], None]) -> None:
        self._separator, self._emit = separator, emit
        self._lock = threading.Lock()
        self._busy = self._again = False

    def start(self, again: bool) -> None:
        """Compile every level, then measure what has not been measured; with ``again``, measure everything.

        While an earlier call is still at work, only ``again`` adds to it: what is measured now answers both calls, and
        what is compiled now is measured afterwards.
        """
        from sepprune.streaming.beside import start_beside

        if again and not self._separator.automatic:
            self._emit(Notice("backend and precision were named at the start: there is nothing to choose"))
            self._emit(Calibrated(()))
            return
        with self._lock:
            self._again |= again
            if self._busy:
                return
            self._busy = True
        start_beside(self._work, "calibration")

    def _work(self) -> None:
        try:
            self._separator.prepare()
            wanted = not self._separator.calibrated
            while self._is_wanted(wanted):
                trials, wanted = self._trials(), False
                with self._lock:
                    self._again = False
                self._emit(Calibrated(trials))
        except BaseException:
            with self._lock:
                self._busy = False
            raise

    def _is_wanted(self, wanted: bool) -> bool:
        """Whether to measure now; if not, the thread counts as ended from here on."""
        with self._lock:
            self._busy = wanted or self._again
            return self._busy

    def _trials(self) -> tuple[Trial, ...]:
        try:
            return tuple(Trial(**dataclasses.asdict(trial)) for trial in self._separator.calibrate())
        except UserError as error:
            self._emit(Notice(f"the fastest backend and precision could not be measured: {error}"))
            return ()
