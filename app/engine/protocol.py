"""What the engine is told and what it tells: picklable dataclasses, nothing else.

Settings go in once, commands whenever something changes, events come back. Everything that flows at audio rate
goes through :mod:`app.engine.telemetry` instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: what can be listened to
ROUTINGS = ("mixture", "voice1", "voice2", "split", "both")

#: what can be listened to alone while a key is held
SIGNALS = ("mixture", "voice1", "voice2")

#: how recordings are stored: 32-bit float, or 24-bit
RECORDING_FORMATS = ("wav", "flac")

#: how the sentence begins when a recording failed
CANNOT_RECORD = "cannot record into"

#: the input that is not a device: the mixture that ships, at live speed
DEMO = "demo"

#: the output that is not a device: sound is discarded
NONE = "none"


@dataclass(frozen=True)
class Settings:
    """What an engine starts with.

    Args:
        input: ``"demo"``, the path of a sound file, or a device (:attr:`DeviceInfo.identity`, or its name alone).
        output: ``"none"`` or a device.
        level: level of the ladder, 0 is dense.
        ladder: folder, or ``None`` for the one that ships.
        chunk_ms: chunk duration; the separator raises it to whole hops.
        routing: one of :data:`ROUTINGS`; ``split`` is voice 1 left and voice 2 right, ``both`` their sum.
        backend: ``auto``, ``openvino``, ``torch``, ...
        loop_file: start a file again at its end.
        gain_db: output gain.
        precision: ``auto``, ``fp32``, or another that backend and processor have.
        fallback: go to a lighter level while chunks come too late, see :mod:`app.engine.fallback`.
        remeasure: with backend and precision ``auto``, measure anew what is fastest on this machine.
    """

    input: str
    output: str
    level: int
    ladder: str | None
    chunk_ms: float
    routing: str
    backend: str
    loop_file: bool = True
    gain_db: float = 0.0
    fallback: bool = False
    precision: str = "auto"
    remeasure: bool = False


@dataclass(frozen=True)
class DeviceInfo:
    """One direction of an audio device.

    ``identity`` is ``"NAME, HOST API"``, with `` #2`` and so on where two devices share both; it is what
    :class:`Settings` remembers. ``is_monitor`` marks inputs that carry what the computer plays.
    """

    identity: str
    name: str
    host_api: str
    direction: str  # "input" or "output"
    channels: int
    rate: int
    is_monitor: bool


# ---- commands: window -> engine, taken between two chunks ----


@dataclass(frozen=True)
class SetLevel:
    level: int


@dataclass(frozen=True)
class SetRouting:
    routing: str


@dataclass(frozen=True)
class SetGain:
    db: float


@dataclass(frozen=True)
class SetBypass:
    """Listen to the mixture, delayed as much as the voices."""

    on: bool


@dataclass(frozen=True)
class SetMute:
    """Silence at the output; everything else goes on."""

    on: bool


@dataclass(frozen=True)
class SetSolo:
    """Listen to one of :data:`SIGNALS` alone, whatever the routing, until ``None`` comes."""

    signal: str | None


@dataclass(frozen=True)
class SetFallback:
    """Go to a lighter level while chunks come too late, or stop that and go back to the level asked for."""

    on: bool


@dataclass(frozen=True)
class SetLoop:
    """Start a file again at its end, or not."""

    on: bool


@dataclass(frozen=True)
class SetPaused:
    """Silence at the output; a file waits, a microphone is not listened to."""

    on: bool


@dataclass(frozen=True)
class StartRecording:
    """Record mixture and voices into a new folder inside ``folder``, in one of :data:`RECORDING_FORMATS`.

    Answered by :class:`Recording`.
    """

    folder: str
    format: str = RECORDING_FORMATS[0]


@dataclass(frozen=True)
class StopRecording:
    pass


@dataclass(frozen=True)
class SetDevices:
    """Change input and output, as in :class:`Settings`; where that fails the old ones go on."""

    input: str
    output: str


@dataclass(frozen=True)
class Rescan:
    """Look for devices anew; answered by :class:`DevicesChanged`."""


@dataclass(frozen=True)
class MeasureRoundTrip:
    """Play chirps and listen for them; answered by :class:`RoundTrip`."""


@dataclass(frozen=True)
class Calibrate:
    """Measure beside the stream which backend and precision is fastest; answered by :class:`Calibrated`."""


@dataclass(frozen=True)
class ResetStatistics:
    """Set every counter but the chunk count to zero. The reader resets its own LatencyStatistics."""


@dataclass(frozen=True)
class Quit:
    pass


Command = (SetLevel | SetRouting | SetGain | SetBypass | SetMute | SetSolo | SetFallback | SetLoop | SetPaused
           | StartRecording | StopRecording | SetDevices | Rescan | MeasureRoundTrip | Calibrate | ResetStatistics
           | Quit)


# ---- events: engine -> window ----


@dataclass(frozen=True)
class Ready:
    """Audio runs. Sent at start and again after every change of devices.

    ``ladder`` has one dict a level with ``level``, ``params``, ``macs_per_second`` and ``si_sdri``
    (dB by condition, or ``None`` where it was not measured); ``backend`` and ``precision`` are those of the level that
    is heard. ``sample_rate``, ``input_rate`` and ``output_rate`` in
    hertz; ``chunk``, ``hop`` and ``delay`` in samples at ``sample_rate``; ``output_rate`` is 0 for output
    ``"none"``. Driver latencies are what the host API states, not measured; 0 for files and ``"none"``. ``priority``
    is what scheduling was obtained: ``real-time``, ``high`` or ``normal``.
    """

    ladder: list[dict[str, Any]]
    sample_rate: int
    chunk: int
    hop: int
    delay: int
    backend: str
    precision: str
    input_name: str
    output_name: str
    input_rate: int
    output_rate: int
    driver_in_ms: float = 0.0
    driver_out_ms: float = 0.0
    priority: str = "normal"


@dataclass(frozen=True)
class LevelChanged:
    """A level is fully audible, ``switch_ms`` after it was asked for; computed by this backend and precision."""

    level: int
    switch_ms: float
    backend: str = ""
    precision: str = ""


@dataclass(frozen=True)
class FellBack:
    """The engine goes to ``level`` by itself, ``wanted`` being what was asked for: lighter, or nearer to it again.

    ``LevelChanged`` follows once the level is heard.
    """

    level: int
    wanted: int
    message: str


@dataclass(frozen=True)
class RoundTrip:
    """What a measurement found; both times are ``None`` where nothing came back, and ``message`` says why.

    ``round_trip_ms`` is the way through loudspeaker, air or cable, microphone and every buffer; its repetitions
    differed by ``spread_ms``. ``input_to_output_ms`` adds what the separator waits for: the delay of a voice.
    """

    round_trip_ms: float | None
    input_to_output_ms: float | None
    spread_ms: float
    message: str


@dataclass(frozen=True)
class Calibrated:
    """What is fastest here, for levels that are opened from now on.

    ``trials`` has one dict for each level and contender: ``level``, ``backend``, ``precision``, ``p50_ms`` (median
    chunk time), ``agreement_db`` (of its output with that of fp32) and ``chosen``; it is empty where nothing was
    measured, and a :class:`Notice` has said why.
    """

    trials: list[dict[str, Any]]


@dataclass(frozen=True)
class Recording:
    """The folder that is being recorded into, or ``None`` once recording has stopped."""

    path: str | None


@dataclass(frozen=True)
class Failed:
    """Something asked for could not be done; with ``fatal`` the engine has ended."""

    message: str
    fatal: bool


@dataclass(frozen=True)
class Notice:
    """One sentence for the status line."""

    message: str


@dataclass(frozen=True)
class DevicesChanged:
    devices: list[DeviceInfo]


@dataclass(frozen=True)
class FileEnded:
    """A file that is not looped has been played to its last sample."""


Event = (Ready | LevelChanged | FellBack | RoundTrip | Calibrated | Recording | Failed | Notice | DevicesChanged
         | FileEnded)
