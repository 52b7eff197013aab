"""Which device is meant: exactly one, or a sentence that lists the choices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.engine import devices
from app.engine.protocol import DeviceInfo
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


def test_a_forced_rate_that_is_no_number_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(devices.RATE_VARIABLE, "fast")
    with pytest.raises(UserError, match="expected a rate in hertz"):
        devices._rates(16_000, DEVICES[0])


def test_the_separator_s_rate_is_tried_first_and_the_device_s_own_last() -> None:
    assert devices._rates(16_000, DEVICES[0]) == (16_000, 48_000, 44_100, 48_000)
