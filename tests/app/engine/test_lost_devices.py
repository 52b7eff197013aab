"""Devices that stop, lose sound or are missing: what is told, and when they are opened again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.engine.connection import RETRY_S, Connection
from app.engine.device_settings import LATENCY_S, LATENCY_STEP, LONGEST_LATENCY_S
from app.engine.device_side import GRACE_S, STALL_S
from app.engine.devices import OpenDevice
from app.engine.events import Event, Notice
from app.engine.ports import OutputPort
from app.engine.sinks import LoudspeakerSink, NullSink
from sepprune.errors import UserError

from .virtual_devices import Machine, connect, machine, notices

__all__ = ["connect", "machine", "notices"]


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
