"""Audio devices: lists them, finds the one that a name means, and opens it.

PortAudio is imported when it is first needed, so that files can be played where it is not installed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Generic, Protocol, TypeVar

from sepprune.errors import UserError
from sepprune.printing import hushed

from .device_settings import block_s, latency_s, rates_to_try
from .ports import InputPort, OutputPort
from .priority import raised, with_driver_priority
from .protocol import NONE, DeviceInfo

#: share of the latency that PulseAudio is asked to buffer. An input that buffers less loses nothing: it is only
#: delivered in smaller parts.
_PULSE_SHARES = {"input": 0.5, "output": 1.0}

#: seconds that closing a device may take: a driver that has lost its device may never return from it
CLOSE_S = 1.0

#: environment variable of PulseAudio's client library: milliseconds that a stream buffers
_PULSE = "PULSE_LATENCY_MSEC"

#: names of inputs that carry the computer's own sound
_MONITOR = re.compile(r"monitor|loopback|stereo mix|what u hear|wave out mix|blackhole|soundflower", re.IGNORECASE)

PortT = TypeVar("PortT", InputPort, OutputPort)


class Stream(Protocol):
    """The part of ``sounddevice``'s streams that is used here."""

    @property
    def latency(self) -> float: ...
    def start(self) -> None: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class OpenDevice(Generic[PortT]):
    """A stream that runs.

    Args:
        info: the device.
        rate: of the stream, in hertz.
        port: what the stream calls.
        latency_ms: latency that the driver states.
        stream: the stream.
    """

    info: DeviceInfo
    rate: int
    port: PortT
    latency_ms: float
    stream: Stream

    def close(self) -> bool:
        """Stop and close the stream; returns False where the driver does not return from that."""

        def close() -> None:
            with contextlib.suppress(Exception):  # where the device is gone, there is nothing left to close
                self.stream.abort()
            with contextlib.suppress(Exception):
                self.stream.close()

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
    """The system's default for ``"input"`` or ``"output"``, or ``None`` where there is none; never a monitor.

    Raises:
        UserError: PortAudio is not installed.
    """
    portaudio = _portaudio()
    wanted = portaudio.default.device[0 if direction == "input" else 1]
    fitting = [(info, index) for info, index in _enumerate() if info.direction == direction and not info.is_monitor]
    fitting.sort(key=lambda pair: pair[1] != wanted)
    return fitting[0][0] if fitting else None


def find_device(wanted: str, direction: str) -> DeviceInfo:
    """The device with this identity or name, or the only one whose identity contains ``wanted``.

    A monitor is found by its full name only.

    Raises:
        UserError: no device fits, or several do.
    """
    return _find(wanted, direction)[0]


def open_input(wanted: str, sample_rate: int, chunk: int, latency: float | None = None) -> OpenDevice[InputPort]:
    """Open a microphone with two channels, or with one where it has no mode with two.

    With two, :class:`~app.engine.live_downmix.LiveDownmix` sees whether one is inverted. The system's own mix of both
    would be silence then.

    Args:
        wanted: as for :func:`find_device`.
        sample_rate: of the separator, in hertz; the device may run at another rate.
        chunk: of the separator, in samples.
        latency: buffering that the driver is asked for, in seconds; ``None``: that of
            :func:`~app.engine.device_settings.latency_s`.

    Raises:
        UserError: there is no such device, or it cannot be opened.
    """
    return _open(wanted, "input", sample_rate, chunk, latency, InputPort)


def open_output(wanted: str, sample_rate: int, chunk: int, latency: float | None = None) -> OpenDevice[OutputPort]:
    """Open a loudspeaker with two channels, or with one; otherwise as :func:`open_input`."""
    return _open(wanted, "output", sample_rate, chunk, latency, lambda rate, channels: OutputPort(rate, channels, 0))


def rescan() -> None:
    """Make PortAudio search for devices again. Close every stream first: this ends them."""
    portaudio = _portaudio()
    with hushed():
        portaudio._terminate()  # there is no public way: PortAudio lists devices once, when it is initialised
        portaudio._initialize()


def plugged() -> frozenset[str]:
    """Sound devices that the system has now, as far as it tells without PortAudio, which lists them only once."""
    with contextlib.suppress(OSError):
        return frozenset(os.listdir("/dev/snd"))
    return frozenset()


def _portaudio() -> ModuleType:
    try:
        with hushed():
            import sounddevice
    except OSError as error:
        raise UserError(
            "PortAudio is not installed, so no microphone or loudspeaker can be used: install it (Debian "
            "and Ubuntu: apt install libportaudio2), or give a sound file as input and none as output"
        ) from error
    _quiet_alsa()
    module: ModuleType = sounddevice
    return module


def _enumerate() -> list[tuple[DeviceInfo, int]]:
    """Every direction of every device with PortAudio's index."""
    portaudio = _portaudio()
    apis = [api["name"] for api in portaudio.query_hostapis()]
    found: list[tuple[DeviceInfo, int]] = []
    seen: Counter[tuple[str, str, str]] = Counter()
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
    names = ", ".join(f'"{info.identity}"' for info, _ in pairs)
    choices = f"or a device ({names})" if pairs else f"since this machine has no {direction} device"
    instead = "a sound file or demo" if direction == "input" else NONE
    for test in tests:
        matches = [pair for pair in pairs if wanted and test(pair[0])]
        if len(matches) == 1:
            return matches[0]
        if matches:
            several = ", ".join(f'"{info.identity}"' for info, _ in matches)
            raise UserError(f'"{wanted}" could be several {direction} devices: choose one of {several}')
    raise UserError(f'there is no {direction} device "{wanted}": choose {instead}, {choices}')


def _open(
    wanted: str,
    direction: str,
    sample_rate: int,
    chunk: int,
    latency: float | None,
    make_port: Callable[[int, int], PortT],
) -> OpenDevice[PortT]:
    """Open the device at the first rate and channel count that it accepts."""
    portaudio = _portaudio()
    info, index = _find(wanted, direction)
    kind = portaudio.InputStream if direction == "input" else portaudio.OutputStream
    latency = latency_s() if latency is None else latency
    problem: Exception | None = None
    for rate in dict.fromkeys(rates_to_try(sample_rate, info.rate)):
        for count in (2, 1):
            if count > info.channels:
                continue
            port = make_port(rate, count)
            try:
                with hushed(), _pulse_latency(latency, direction):
                    stream: Stream = with_driver_priority(
                        partial(
                            _started,
                            kind,
                            device=index,
                            samplerate=rate,
                            channels=count,
                            dtype="float32",
                            latency=latency,
                            blocksize=round(block_s(direction, chunk / sample_rate, latency) * rate),
                            callback=raised(port.callback),
                        )
                    )
            except portaudio.PortAudioError as error:
                problem = problem or error
                continue
            return OpenDevice(info, rate, port, 1000.0 * float(stream.latency), stream)
    raise UserError(
        f'the {direction} device "{info.identity}" cannot be opened ({_reason(problem)}): close other programs that '
        "use it, allow access to it in the system's privacy settings, or choose another device"
    )


def _started(kind: Callable[..., Stream], **wanted: object) -> Stream:
    stream = kind(**wanted)
    stream.start()
    return stream


@contextlib.contextmanager
def _pulse_latency(latency: float, direction: str) -> Iterator[None]:
    """Tell PulseAudio how much to buffer in streams that are opened meanwhile, unless the user has told it.

    Its client library reads the variable when it connects. Without it, null sinks and some devices buffer 2 s.
    """
    if sys.platform != "linux" or _PULSE in os.environ:
        yield
        return
    os.environ[_PULSE] = str(max(1, round(1000 * latency * _PULSE_SHARES[direction])))
    try:
        yield
    finally:
        del os.environ[_PULSE]


def _reason(problem: Exception | None) -> str:
    return str(problem).split(" [PaErrorCode")[0] if problem else "it has no channels"


def _quiet_alsa() -> None:
    """Keep ALSA from printing on standard error, for instance after each gap; telemetry counts them."""
    with contextlib.suppress(OSError, AttributeError):  # another system, or PortAudio without ALSA
        handler = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p)  # any function that does nothing
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(handler)
