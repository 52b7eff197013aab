"""Input and output by name: what is open, what happens when a device is lost, and when another one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.engine import connection, devices
from app.engine.connection import RETRY_S, Connection, need_devices
from app.engine.device_settings import LATENCY_S, LATENCY_STEP, LONGEST_LATENCY_S
from app.engine.device_side import GRACE_S, STALL_S
from app.engine.devices import OpenDevice
from app.engine.events import Event, Notice
from app.engine.ports import InputPort, OutputPort
from app.engine.protocol import DeviceInfo
from app.engine.sinks import LoudspeakerSink, NullSink
from app.engine.sources import FileSource, MicrophoneSource
from sepprune.errors import UserError
from tests.app.conftest import speech_like


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


def test_devices_are_named_by_their_identity(connect: Callable[..., Connection]) -> None:
    one = connect("usb", "speakers")
    assert (one.input, one.output, one.source.name, one.sink.name) == ("usb, ALSA", "speakers, ALSA") * 2
    assert (one.driver_in_ms, one.driver_out_ms) == (5.0, 7.0)
    assert isinstance(one.source, MicrophoneSource) and isinstance(one.sink, LoudspeakerSink)


def test_the_note_on_a_microphone_s_channels_is_told_once(
    connect: Callable[..., Connection], machine: Machine, notices: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    two = InputPort(16_000, 2, clock=machine.clock)
    info = machine.open_input("usb", 16_000, 128).info
    monkeypatch.setattr(devices, "open_input", lambda *_: OpenDevice(info, 16_000, two, 5.0, Stream()))
    one = connect("usb", "none")
    speech = speech_like(2.0)
    for block in np.split(np.stack([speech, -speech], axis=1), range(128, len(speech), 128)):
        two.callback(block, len(block), None, SimpleNamespace(input_overflow=False))
        while one.source.read():
            pass
        one.watch()
    [notice] = notices
    assert notice == Notice('the channels of "usb, ALSA" cancel each other, one is inverted: only channel 1 is used')


def test_a_file_and_no_output_need_no_device(connect: Callable[..., Connection], machine: Machine) -> None:
    one = connect("demo", "none")
    assert isinstance(one.source, FileSource) and isinstance(one.sink, NullSink) and machine.opened == []
    assert (one.input, one.output, one.driver_in_ms, one.driver_out_ms) == ("demo", "none", 0.0, 0.0)


def test_an_output_is_closed_when_the_input_cannot_be_opened(
    connect: Callable[..., Connection], machine: Machine
) -> None:
    machine.broken.add("usb")
    with pytest.raises(UserError, match='"usb" cannot be opened'):
        connect("usb", "speakers")
    assert machine.opened[0].stream.closed


def test_choosing_another_input_leaves_the_output_open(connect: Callable[..., Connection], machine: Machine) -> None:
    one = connect("usb", "speakers")
    sink = one.sink
    one.change("laptop", one.output)
    assert one.input == "laptop, ALSA" and one.sink is sink and len(machine.opened) == 3
    assert machine.opened[1].stream.closed and not machine.opened[0].stream.closed


def test_choosing_the_devices_in_use_changes_nothing(connect: Callable[..., Connection], machine: Machine) -> None:
    one = connect("usb", "speakers")
    one.change("usb, ALSA", "speakers")
    assert len(machine.opened) == 2


@pytest.mark.parametrize("broken", ["laptop", "monitor speakers"])
def test_where_a_new_device_cannot_be_opened_the_old_ones_are_restored(
    connect: Callable[..., Connection], machine: Machine, broken: str
) -> None:
    one = connect("usb", "speakers")
    machine.broken.add(broken)
    with pytest.raises(UserError, match=f'"{broken}" cannot be opened'):
        one.change("laptop", "monitor speakers")
    assert (one.input, one.output, one.source.name, one.sink.name) == ("usb, ALSA", "speakers, ALSA") * 2
    open_now = sorted(device.info.name for device in machine.opened if not device.stream.closed)
    assert open_now == ["speakers", "usb"]


def test_an_ended_file_is_played_again_when_it_is_chosen_again(
    connect: Callable[..., Connection], sound: Callable[..., Path]
) -> None:
    path = str(sound(speech_like(0.1)))
    one = connect(path, "none")
    one.source.ended = True
    one.change(path, "none")
    assert not one.source.ended


def test_a_device_that_stops_is_announced_once_and_opened_again(
    connect: Callable[..., Connection], machine: Machine, notices: list[Event]
) -> None:
    one = connect("usb", "none")
    machine.now += GRACE_S + STALL_S + 0.1
    machine.broken.add("usb")
    stalls = [one.watch(), one.watch()]
    machine.broken.clear()
    machine.now += RETRY_S + 0.1
    stalls.append(one.watch())
    assert stalls == [1, 0, 0] and one.input == "usb, ALSA"
    assert [notice.message.split('"')[2].strip().split(":")[0] for notice in notices if isinstance(notice, Notice)] == [
        "has stopped",
        "is open again",
    ]


def test_a_driver_that_loses_sound_is_asked_for_more_buffer_up_to_a_limit(
    connect: Callable[..., Connection], machine: Machine, notices: list[Event]
) -> None:
    one = connect("demo", "speakers")
    for _ in range(10):
        machine.now += GRACE_S + 1.0
        port = machine.opened[-1].port
        port.last_call = machine.now
        assert isinstance(port, OutputPort)
        port.underflows += 2
        one.watch()
    steps = [LATENCY_S * LATENCY_STEP**step for step in range(4)]
    assert machine.latencies == pytest.approx([*steps, LONGEST_LATENCY_S])
    assert len(notices) == 4 and '"speakers" has lost sound' in str(notices[0])


def test_a_device_that_is_gone_when_it_is_opened_with_more_buffer_is_told_once(
    connect: Callable[..., Connection], machine: Machine, notices: list[Event]
) -> None:
    one = connect("demo", "speakers")
    machine.broken.add("speakers")
    port = machine.opened[-1].port
    assert isinstance(port, OutputPort)
    machine.now += GRACE_S + 1.0
    port.last_call, port.underflows = machine.now, 2
    one.watch()
    machine.now += RETRY_S + 0.1
    one.watch()
    told = [notice.message for notice in notices if isinstance(notice, Notice)]
    assert ["has lost sound" in told[0], told[1:]] == [
        True,
        ['the output device "speakers" cannot be opened; it is used as soon as it appears'],
    ]


def test_a_patient_start_waits_for_its_output_and_uses_it_when_it_appears(
    connect: Callable[..., Connection], machine: Machine, notices: list[Event]
) -> None:
    machine.broken.add("speakers")
    one = connect("demo", "speakers", True)
    silent = isinstance(one.sink, NullSink) and one.output == "speakers"
    machine.broken.clear()
    machine.unlisted.add("speakers")
    machine.now += RETRY_S + 0.1
    one.watch()
    assert silent and isinstance(one.sink, LoudspeakerSink)
    assert ["as soon as it appears" in str(notices[0]), "is open again" in str(notices[-1])] == [True, True]


def test_without_patience_a_missing_output_is_an_error(connect: Callable[..., Connection], machine: Machine) -> None:
    machine.broken.add("speakers")
    with pytest.raises(UserError, match='"speakers" cannot be opened'):
        connect("demo", "speakers")


def test_a_microphone_in_use_is_interrupted_by_a_search_only_when_a_device_was_plugged_in(
    connect: Callable[..., Connection], machine: Machine
) -> None:
    machine.unlisted.add("speakers")
    one = connect("usb", "speakers", True)
    for _ in range(3):
        machine.now += RETRY_S + 0.1
        machine.opened[0].port.last_call = machine.now
        one.watch()
    before = machine.rescans
    machine.plugged |= {"controlC1"}
    machine.now += RETRY_S + 0.1
    machine.opened[0].port.last_call = machine.now
    one.watch()
    assert (before, machine.rescans, one.sink.name) == (0, 1, "speakers, ALSA")


def test_a_device_that_was_just_opened_may_take_its_time(connect: Callable[..., Connection], machine: Machine) -> None:
    one = connect("usb", "speakers")
    machine.now += GRACE_S - 0.1
    assert one.watch() == 0


def test_a_search_closes_every_device_and_opens_it_again(connect: Callable[..., Connection], machine: Machine) -> None:
    one = connect("usb", "speakers")
    one.rescan()
    assert machine.rescans == 1 and (one.input, one.output) == ("usb, ALSA", "speakers, ALSA")
    assert [device.stream.closed for device in machine.opened] == [True, True, False, False]


def test_there_is_no_search_while_a_driver_hangs(
    connect: Callable[..., Connection], machine: Machine, notices: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = connect("usb", "none")
    monkeypatch.setattr(OpenDevice, "close", lambda self: False)
    one.rescan()
    assert (
        one.stuck
        and machine.rescans == 0
        and notices == [Notice("a driver hangs, so the search for devices is not possible: restart the engine")]
    )


@pytest.mark.parametrize(
    ("input", "output", "sentence"),
    [
        ("demo", "speakers", 'needs a microphone: the input is "demo"'),
        ("usb", "none", 'needs a loudspeaker: the output is "none"'),
    ],
)
def test_what_needs_devices_says_which_one_is_missing(input: str, output: str, sentence: str) -> None:
    need_devices("usb", "speakers", "a round trip")
    with pytest.raises(UserError, match=sentence):
        need_devices(input, output, "a round trip")
