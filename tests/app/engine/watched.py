"""An engine process whose events can be waited for."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.engine.events import (
    Event,
    Failed,
)
from app.engine.process import EngineProcess
from app.engine.protocol import Settings

#: seconds; long, because other programs may use the machine
PATIENCE_S = 1200.0


class Watched(EngineProcess):
    """An engine process with methods that wait for its events."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.seen: list[Event] = []

    def wait_for(self, kind: type | tuple[type, ...], patience_s: float = PATIENCE_S) -> Event:
        """The next event of a kind, or of several; earlier ones of other kinds are passed over."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            while self.seen:
                if isinstance(event := self.seen.pop(0), kind):
                    return event
                assert not (isinstance(event, Failed) and event.fatal), event.message
            self.seen += self.events() or self._pause()
        raise AssertionError(f"no {kind}")

    def wait_until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition() and time.monotonic() < end:
            self._pause()
        assert condition()

    def _pause(self) -> list[Event]:
        time.sleep(0.02)
        return []
