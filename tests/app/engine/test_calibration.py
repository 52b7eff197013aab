"""Measurements that are asked for while another one, or the compilation of levels, is at work."""

from __future__ import annotations

import threading

from app.engine.calibration import Calibration
from app.engine.events import Calibrated, Event


class Levels:
    """Levels that were measured before, whose compilation and measurement take until the test lets them end."""

    automatic = calibrated = True

    def __init__(self) -> None:
        self.compiled, self.measured = threading.Event(), threading.Event()
        self.measuring = threading.Semaphore(0)

    def prepare(self) -> None:
        assert self.compiled.wait(60)

    def calibrate(self) -> list[object]:
        self.measuring.release()
        assert self.measured.wait(60)
        return []


class Heard:
    """Events that were emitted."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._count = threading.Semaphore(0)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._count.release()

    def wait(self) -> None:
        assert self._count.acquire(timeout=60)


def test_a_measurement_that_is_asked_for_while_levels_are_compiled_takes_place() -> None:
    levels, heard = Levels(), Heard()
    calibration = Calibration(levels, heard)
    calibration.start(again=False)
    calibration.start(again=True)
    levels.measured.set()
    levels.compiled.set()
    heard.wait()
    assert heard.events == [Calibrated(())]


def test_one_measurement_answers_two_requests_during_it() -> None:
    levels, heard = Levels(), Heard()
    calibration = Calibration(levels, heard)
    levels.compiled.set()
    calibration.start(again=True)
    assert levels.measuring.acquire(timeout=60)
    calibration.start(again=True)
    levels.measured.set()
    heard.wait()
    assert not levels.measuring.acquire(timeout=0.3)
    assert heard.events == [Calibrated(())]


def test_a_measurement_after_another_one_takes_place() -> None:
    levels, heard = Levels(), Heard()
    calibration = Calibration(levels, heard)
    levels.compiled.set()
    levels.measured.set()
    for _ in range(2):
        calibration.start(again=True)
        heard.wait()
    assert heard.events == [Calibrated(())] * 2
