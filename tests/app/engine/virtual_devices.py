"""Devices without a driver: what connections open in tests of the engine, and the time that passes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from app.engine import connection, devices
from app.engine.connection import Connection
from app.engine.devices import OpenDevice
from app.engine.events import Event
from app.engine.ports import InputPort, OutputPort
from app.engine.protocol import DeviceInfo
from sepprune.errors import UserError


class Stream:
    """A stream that runs until it is closed."""

    latency = 0.01

    def __init__(self, hangs: bool = False) -> None:
        self.closed = self._hangs = hangs

    def start(self) -> None: ...

    def abort(self) -> None: ...

    def close(self) -> None:
        self.closed = True


class Machine:
    """Two microphones and a loudspeaker, and the time; ``broken`` names devices that cannot be opened."""

    def __init__(self) -> None:
        self.now = 100.0
        self.broken: set[str] = set()
        self.unlisted: set[str] = set()  # plugged in, but PortAudio has not searched since
        self.plugged: frozenset[str] = frozenset({"controlC0"})
        self.opened: list[OpenDevice[InputPort] | OpenDevice[OutputPort]] = []
        self.rescans = 0
        self.latencies: list[float] = []  # that drivers were asked for

    def _info(self, wanted: str, direction: str) -> DeviceInfo:
        if wanted in self.broken | self.unlisted:
            raise UserError(f'the {direction} device "{wanted}" cannot be opened')
        return DeviceInfo(
            f"{wanted}, ALSA".replace(", ALSA, ALSA", ", ALSA"), wanted, "ALSA", direction, 2, 16_000, False
        )

    def open_input(self, wanted: str, sample_rate: int, chunk: int, latency: float = 0.0) -> OpenDevice[InputPort]:
        self.latencies.append(latency)
        port = InputPort(sample_rate, 1, clock=self.clock)
        device = OpenDevice(self._info(wanted, "input"), sample_rate, port, 5.0, Stream())
        self.opened.append(device)
        return device

    def open_output(self, wanted: str, sample_rate: int, chunk: int, latency: float = 0.0) -> OpenDevice[OutputPort]:
        self.latencies.append(latency)
        port = OutputPort(sample_rate, 2, 0, clock=self.clock)
        device = OpenDevice(self._info(wanted, "output"), sample_rate, port, 7.0, Stream())
        self.opened.append(device)
        return device

    def rescan(self) -> None:
        assert all(device.stream.closed for device in self.opened if isinstance(device.stream, Stream))
        self.rescans += 1
        self.unlisted.clear()

    def clock(self) -> float:
        return self.now


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    for name in ("open_input", "open_output", "rescan"):
        monkeypatch.setattr(devices, name, getattr(machine, name))
    monkeypatch.setattr(devices, "plugged", lambda: machine.plugged)
    monkeypatch.setattr(connection.time, "perf_counter", machine.clock)
    return machine


@pytest.fixture
def notices() -> list[Event]:
    return []


@pytest.fixture
def connect(machine: Machine, notices: list[Event]) -> Iterator[Callable[[str, str], Connection]]:
    made = []

    def make(input: str, output: str, patient: bool = False) -> Connection:
        made.append(Connection(input, output, 16_000, 128, 128, notices.append, patient))
        return made[-1]

    yield make
    for one in made:
        one.close()
