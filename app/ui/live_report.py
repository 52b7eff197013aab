"""The report of a session of the window: chunk times, parts of the latency, counters and facts about the machine."""

from __future__ import annotations

from PyQt6.QtCore import QObject

from sepprune.bench.facts import Fact
from sepprune.errors import UserError

from ..engine.events import Event, FellBack, Notice, Ready, RoundTrip
from ..engine.machine import live_facts
from ..engine.statistics import Report
from .engine_link import EngineLink
from .live_data import LiveData


class LiveReport(QObject):
    """Collects what only events tell, and makes the report at any time.

    Args:
        link: not yet started.
        data: read from the engine.
        parent: owner of this object.
    """

    def __init__(self, link: EngineLink, data: LiveData, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link, self._data = link, data
        self._notices: list[str] = []
        self._round_trip: RoundTrip | None = None
        self._before: dict[str, Fact] | None = None
        link.received.connect(self._take)

    def report(self) -> Report:
        """The JSON object of ``sepprune-live --report``.

        Raises:
            UserError: the engine was never ready.
        """
        ready = self._link.ready
        if ready is None:
            raise UserError("there is nothing to report: the audio engine was never ready")
        self._data.new_frames()  # the last ones before the engine ended
        self._data.update_statistics()
        after = live_facts(ready)
        measured = {} if self._round_trip is None else {"round_trip_ms": self._round_trip.round_trip_ms}
        return {
            **self._data.statistics.report(ready, self._link.telemetry.counters),
            "machine": self._before or after,
            "machine_after": after,
            "notices": self._notices,
            **measured,
        }

    def _take(self, event: Event) -> None:
        match event:
            case Notice(message) | FellBack(message=message):
                self._notices.append(message)
            case RoundTrip():
                self._round_trip = event
            case Ready() if self._before is None:
                self._before = live_facts(event)
