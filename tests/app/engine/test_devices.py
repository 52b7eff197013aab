"""A name means exactly one device, or is answered by a sentence with the choices; and how a device is opened."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.engine import device_settings, devices
from app.engine.protocol import DeviceInfo
from app.engine.sources import MicrophoneSource
from sepprune.errors import UserError


def device(
    name: str, api: str = "ALSA", direction: str = "input", number: str = "", monitor: bool = False
) -> DeviceInfo:
    return DeviceInfo(f"{name}, {api}{number}", name, api, direction, 2, 48_000, monitor)


DEVICES = [
    device("USB Headset"),
    device("USB Headset", number=" #2"),
    device("Laptop Microphone"),
    device("Laptop Microphone", "JACK"),
    device("Monitor of Speakers", monitor=True),
    device("Speakers", direction="output"),
]


#: the function that the fixture below replaces
ENUMERATE = devices._enumerate


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_enumerate", lambda: [(info, index) for index, info in enumerate(DEVICES)])


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ("USB Headset, ALSA", 0),
        ("USB Headset, ALSA #2", 1),
        ("Laptop Microphone, JACK", 3),
        ("jack", 3),
        ("Monitor of Speakers", 4),
        ("Monitor of Speakers, ALSA", 4),
    ],
)
def test_an_identity_a_name_or_a_unique_part_of_it_finds_the_device(wanted: str, index: int) -> None:
    assert devices.find_device(wanted, "input") is DEVICES[index]


@pytest.mark.parametrize("wanted", ["USB Headset", "Laptop Microphone", "usb", "ALSA"])
def test_what_could_be_several_devices_is_a_sentence_with_the_choices(wanted: str) -> None:
    with pytest.raises(UserError, match="could be several input devices: choose one of .*, ALSA"):
        devices.find_device(wanted, "input")


@pytest.mark.parametrize("wanted", ["nothing", "", "Speakers"])
def test_what_is_no_device_is_a_sentence_with_the_choices(wanted: str) -> None:
    with pytest.raises(UserError, match='there is no input device .*"Laptop Microphone, ALSA"'):
        devices.find_device(wanted, "input")


def test_without_any_device_the_sentence_offers_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_enumerate", list)
    with pytest.raises(UserError, match="choose a sound file or demo, since this machine has no input device$"):
        devices.find_device("USB", "input")


def test_a_monitor_is_never_found_by_a_part_of_its_name() -> None:
    with pytest.raises(UserError, match="there is no input device"):
        devices.find_device("monitor of", "input")


def test_outputs_and_inputs_are_told_apart() -> None:
    assert devices.find_device("speakers", "output").direction == "output"


def test_a_missing_portaudio_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    script = (
        "from app.engine.devices import list_devices\nfrom sepprune.errors import UserError\n"
        "try: list_devices()\nexcept UserError as error: print(error)"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).resolve().parents[3]}")
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.startswith("PortAudio is not installed") and "libportaudio2" in said


class PortAudioError(Exception):
    """As ``sounddevice.PortAudioError``."""


class PortAudio:
    """``sounddevice`` as far as it is used: two devices, of which each opens at ``rates`` with ``channels``."""

    PortAudioError = PortAudioError

    def __init__(self, rates: set[int], channels: set[int] | None = None, hangs: threading.Event | None = None) -> None:
        self.rates, self.channels, self.hangs = rates, channels or {1, 2}, hangs
        self.default = SimpleNamespace(device=(1, 2))
        self.calls: list[str] = []
        self.InputStream = self.OutputStream = self._stream

    def query_hostapis(self) -> list[dict[str, str]]:
        return [{"name": "ALSA"}]

    def query_devices(self) -> list[dict[str, Any]]:
        rows = [("Monitor of  Speakers", 2, 0), ("USB Headset", 1, 2), ("USB Headset", 1, 2), ("Speakers", 0, 2)]
        return [
            {
                "name": name,
                "hostapi": 0,
                "index": index,
                "max_input_channels": inputs,
                "max_output_channels": outputs,
                "default_samplerate": 48_000.0,
            }
            for index, (name, inputs, outputs) in enumerate(rows)
        ]

    def _stream(self, samplerate: int, channels: int, **settings: Any) -> SimpleNamespace:
        self.calls.append(f"{samplerate}/{channels}")
        self.settings, self.pulse = settings, os.environ.get("PULSE_LATENCY_MSEC")
        if samplerate not in self.rates or channels not in self.channels:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")
        close = self.hangs.wait if self.hangs else lambda: self.calls.append("close")
        return SimpleNamespace(latency=0.012, start=lambda: None, abort=lambda: None, close=close)

    def _terminate(self) -> None:
        self.calls.append("terminate")

    def _initialize(self) -> None:
        self.calls.append("initialize")


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch, machine: None) -> Callable[..., PortAudio]:
    monkeypatch.setattr(devices, "_enumerate", ENUMERATE)
    monkeypatch.delenv(device_settings.RATE_VARIABLE, raising=False)

    def use(*rates: int, **settings: Any) -> PortAudio:
        library = PortAudio(set(rates), **settings)
        monkeypatch.setattr(devices, "_portaudio", lambda: library)
        return library

    return use


def test_devices_with_equal_names_are_numbered_and_monitors_are_marked(portaudio: Callable[..., PortAudio]) -> None:
    portaudio(16_000)
    listed = [(info.identity, info.direction, info.is_monitor) for info in devices.list_devices()]
    assert listed == [
        ("Monitor of Speakers, ALSA", "input", True),
        ("USB Headset, ALSA", "input", False),
        ("USB Headset, ALSA", "output", False),
        ("USB Headset, ALSA #2", "input", False),
        ("USB Headset, ALSA #2", "output", False),
        ("Speakers, ALSA", "output", False),
    ]


def test_the_default_device_is_the_system_s_and_never_a_monitor(portaudio: Callable[..., PortAudio]) -> None:
    library = portaudio(16_000)
    found = [devices.default_device(direction) for direction in ("input", "output")]
    library.default.device = (0, 3)
    found += [devices.default_device(direction) for direction in ("input", "output")]
    assert [info.identity for info in found if info] == [
        "USB Headset, ALSA",
        "USB Headset, ALSA #2",
        "USB Headset, ALSA",
        "Speakers, ALSA",
    ]


def test_a_device_opens_at_the_first_rate_and_channel_count_that_it_accepts(
    portaudio: Callable[..., PortAudio],
) -> None:
    library = portaudio(48_000, channels={2})
    opened = devices.open_output("Speakers", 16_000, 128)
    assert library.calls == ["16000/2", "16000/1", "48000/2"]
    assert (opened.rate, opened.port.rate, opened.port.channels, opened.latency_ms) == (48_000, 48_000, 2, 12.0)
    assert opened.close() and library.calls[-1] == "close"


def test_a_microphone_is_opened_with_both_channels_so_that_an_inverted_one_is_noticed(
    portaudio: Callable[..., PortAudio],
) -> None:
    library = portaudio(16_000)
    assert devices.open_input("Monitor of Speakers, ALSA", 16_000, 128).port.channels == 2
    assert library.calls == ["16000/2"]


def test_a_microphone_is_opened_with_no_more_channels_than_it_has(portaudio: Callable[..., PortAudio]) -> None:
    library = portaudio(44_100)
    assert devices.open_input("USB Headset, ALSA", 16_000, 128).port.channels == 1
    assert library.calls == ["16000/1", "48000/1", "44100/1"]


def test_a_device_that_opens_at_no_rate_is_a_sentence_with_the_driver_s_reason(
    portaudio: Callable[..., PortAudio],
) -> None:
    portaudio()
    with pytest.raises(UserError, match=r'"Speakers, ALSA" cannot be opened \(Invalid sample rate\): close other'):
        devices.open_output("Speakers", 16_000, 128)


def test_a_driver_that_hangs_does_not_hold_up_the_engine(
    portaudio: Callable[..., PortAudio], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "CLOSE_S", 0.05)
    hangs = threading.Event()
    portaudio(16_000, hangs=hangs)
    closed = devices.open_input("USB Headset, ALSA", 16_000, 128).close()
    hangs.set()
    assert not closed


def test_a_search_initialises_portaudio_again(portaudio: Callable[..., PortAudio]) -> None:
    library = portaudio(16_000)
    devices.rescan()
    assert library.calls == ["terminate", "initialize"]


def test_pulseaudio_buffers_four_blocks_of_an_output_and_less_of_an_input(
    portaudio: Callable[..., PortAudio], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULSE_LATENCY_MSEC", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    library = portaudio(48_000)
    devices.open_output("Speakers, ALSA", 16_000, 128, latency=0.016)
    assert (library.settings["blocksize"], library.pulse) == (192, "16")
    devices.open_input("USB Headset, ALSA", 16_000, 128, latency=0.016)
    assert (library.settings["blocksize"], library.pulse) == (384, "8")
    assert "PULSE_LATENCY_MSEC" not in os.environ


@pytest.mark.parametrize("chunk_ms", [8, 32, 500, 1000])
def test_a_microphone_loses_nothing_with_chunks_of_any_length(
    portaudio: Callable[..., PortAudio], chunk_ms: int
) -> None:
    library = portaudio(16_000)
    port = devices.open_input("USB Headset, ALSA", 16_000, 16 * chunk_ms).port
    source = MicrophoneSource(port, "USB Headset", 16 * chunk_ms, 16_000)
    spoken = np.arange(3 * 16_000, dtype=np.float32)[:, None]
    block, heard = library.settings["blocksize"], []
    for start in range(0, len(spoken), block):
        part = spoken[start : start + block]
        port.callback(part, len(part), None, SimpleNamespace(input_overflow=False))
        heard += [chunk for chunk, _ in iter(source.read, None)]  # the engine looks at every block
    assert not source.counts() and np.array_equal(np.concatenate(heard), spoken[: len(heard) * 16 * chunk_ms, 0])
    assert len(heard) >= 3000 // chunk_ms - 1
