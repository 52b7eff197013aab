"""Audio devices: what there is, which one is meant, and opening it.

PortAudio is imported when first needed, so that files can be played where it is not installed.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from sepprune.errors import UserError

from .ports import InputPort, OutputPort
from .protocol import NONE, DeviceInfo

#: buffering asked of the driver, in seconds. PortAudio's "low" left PulseAudio without a single callback.
LATENCY_S = 0.03

#: rates to try after the separator's own, in hertz; then the device's default
RATES = (48_000, 44_100)

#: makes every device open at this rate, for drivers that claim rates they do badly (Bluetooth headsets do)
RATE_VARIABLE = "SEPPRUNE_DEVICE_RATE"

#: a driver that has lost its device may never return from closing it
CLOSE_S = 1.0

#: what inputs are called that carry the computer's own sound
_MONITOR = re.compile(r"monitor|loopback|stereo mix|what u hear|wave out mix|blackhole|soundflower", re.IGNORECASE)

Port = InputPort | OutputPort


@dataclass
class OpenDevice:
    """A stream that runs."""

    info: DeviceInfo
    rate: int
    port: Port
    latency_ms: float  # what the driver states
    _stream: Any

    def close(self) -> bool:
        """Stop and close the stream; False where the driver does not come back from that."""

        def close() -> None:
            with contextlib.suppress(Exception):  # its device is gone: there is nothing left to close
                self._stream.abort()
            with contextlib.suppress(Exception):
                self._stream.close()

        closing = threading.Thread(target=close, daemon=True)
        closing.start()
        closing.join(CLOSE_S)
        return not closing.is_alive()


def list_devices() -> list[DeviceInfo]:
    """Every direction of every device.

    Raises:
        UserError: PortAudio is not installed.
    """
    return [info for info, _ in _enumerate()]


def default_device(direction: str) -> DeviceInfo | None:
    """What the system uses for ``"input"`` or ``"output"``, or ``None``; never a monitor."""
    portaudio = _portaudio()
    wanted = portaudio.default.device[0 if direction == "input" else 1]
    fitting = [(info, index) for info, index in _enumerate() if info.direction == direction and not info.is_monitor]
    fitting.sort(key=lambda pair: pair[1] != wanted)
    return fitting[0][0] if fitting else None


def find_device(wanted: str, direction: str) -> DeviceInfo:
    """The device that is meant by an identity, a name, or a part of exactly one name; monitors only by their full name.

    Raises:
        UserError: none is, or several are.
    """
    return _find(wanted, direction)[0]


def open_input(wanted: str, sample_rate: int, chunk: int) -> OpenDevice:
    """Open a microphone with one channel, or two where it has no mode with one.

    Args:
        wanted: as for :func:`find_device`.
        sample_rate, chunk: of the separator, in hertz and samples; the device may run at another rate.

    Raises:
        UserError: there is no such device, or it does not open.
    """
    return _open(wanted, "input", sample_rate, chunk, (1, 2), InputPort)


def open_output(wanted: str, sample_rate: int, chunk: int) -> OpenDevice:
    """Open a loudspeaker with two channels, or one; as :func:`open_input`."""
    return _open(wanted, "output", sample_rate, chunk, (2, 1), lambda rate, channels: OutputPort(rate, channels, 0))


def rescan() -> None:
    """Make PortAudio look for devices again. Every stream must have been closed: it ends them."""
    portaudio = _portaudio()
    with _hushed():
        portaudio._terminate()  # no public way: PortAudio's list is made once, when it is initialised
        portaudio._initialize()


def _portaudio() -> ModuleType:
    if sys.platform == "linux":
        # Read by PulseAudio's client library when it connects: without it null sinks and some devices buffer 2 s. It
        # has to exceed LATENCY_S: on an overloaded machine the driver ran dry 111 times in 9 s with 20 ms (median of 10
        # runs), 9 times with 40 ms (median of 28).
        os.environ.setdefault("PULSE_LATENCY_MSEC", "40")
    try:
        with _hushed():
            import sounddevice
        return sounddevice
    except OSError as error:
        raise UserError(
            "PortAudio is not installed, so no microphone or loudspeaker can be used: install it (Debian "
            "and Ubuntu: apt install libportaudio2), or give a sound file as input and none as output"
        ) from error


def _enumerate() -> list[tuple[DeviceInfo, int]]:
    """Every direction of every device with PortAudio's index."""
    portaudio = _portaudio()
    apis = [api["name"] for api in portaudio.query_hostapis()]
    found, seen = [], Counter()
    for device in portaudio.query_devices():
        name, api = " ".join(device["name"].split()), apis[device["hostapi"]]
        for direction in ("input", "output"):
            if channels := device[f"max_{direction}_channels"]:
                seen[name, api, direction] += 1
                number = seen[name, api, direction]
                identity = f"{name}, {api}" + (f" #{number}" if number > 1 else "")
                info = DeviceInfo(
                    identity,
                    name,
                    api,
                    direction,
                    channels,
                    int(device["default_samplerate"]),
                    direction == "input" and _MONITOR.search(name) is not None,
                )
                found.append((info, device["index"]))
    return found


def _find(wanted: str, direction: str) -> tuple[DeviceInfo, int]:
    pairs = [pair for pair in _enumerate() if pair[0].direction == direction]
    tests: Sequence[Callable[[DeviceInfo], bool]] = (
        lambda info: info.identity == wanted,
        lambda info: info.name == wanted,
        lambda info: not info.is_monitor and wanted.lower() in info.identity.lower(),
    )
    choices = ", ".join(f'"{info.identity}"' for info, _ in pairs) or "there are none"
    instead = "a sound file or demo" if direction == "input" else NONE
    for test in tests:
        matches = [pair for pair in pairs if wanted and test(pair[0])]
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(f'"{info.identity}"' for info, _ in matches)
            raise UserError(f'"{wanted}" could be several {direction} devices: choose one of {names}')
    raise UserError(f'there is no {direction} device "{wanted}": choose {instead}, or a device ({choices})')


def _open(
    wanted: str,
    direction: str,
    sample_rate: int,
    chunk: int,
    channels: Sequence[int],
    make_port: Callable[[int, int], Port],
) -> OpenDevice:
    portaudio = _portaudio()
    info, index = _find(wanted, direction)
    kind = portaudio.InputStream if direction == "input" else portaudio.OutputStream
    problem: Exception | None = None
    for rate in dict.fromkeys(_rates(sample_rate, info)):
        for count in channels:
            if count > info.channels:
                continue
            port = make_port(rate, count)
            try:
                with _hushed():
                    stream = kind(
                        device=index,
                        samplerate=rate,
                        channels=count,
                        dtype="float32",
                        latency=LATENCY_S,
                        blocksize=round(chunk * rate / sample_rate),
                        callback=port.callback,
                    )
                    stream.start()
            except portaudio.PortAudioError as error:
                problem = problem or error
                continue
            return OpenDevice(info, rate, port, 1000.0 * float(stream.latency), stream)
    raise UserError(
        f'the {direction} device "{info.identity}" does not open ({_reason(problem)}): close other '
        "programs that use it, allow access to it in the system's privacy settings, or choose another "
        "device"
    )


def _rates(sample_rate: int, info: DeviceInfo) -> Sequence[int]:
    forced = os.environ.get(RATE_VARIABLE, "")
    if not forced:
        return (sample_rate, *RATES, info.rate)
    if not forced.isdecimal() or not int(forced):
        raise UserError(
            f"the environment variable {RATE_VARIABLE} is {forced!r}: expected a rate in hertz, such as 48000"
        )
    return (int(forced),)


def _reason(problem: Exception | None) -> str:
    return str(problem).split(" [PaErrorCode")[0] if problem else "it has no channels"


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Keep what ALSA and PortAudio print about devices they try from the terminal."""
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except (OSError, AttributeError):  # there is no standard error
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
