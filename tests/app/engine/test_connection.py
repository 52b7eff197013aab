"""Input and output by name: what is open, and what happens when another one is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.engine import devices
from app.engine.connection import Connection, need_devices
from app.engine.devices import OpenDevice
from app.engine.events import Event, Notice
from app.engine.ports import InputPort
from app.engine.sinks import LoudspeakerSink, NullSink
from app.engine.sources import FileSource, MicrophoneSource
from sepprune.errors import UserError
from tests.app.conftest import speech_like

from .virtual_devices import Machine, Stream, connect, machine, notices

__all__ = ["connect", "machine", "notices"]


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
