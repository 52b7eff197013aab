"""What the engine tells the window: picklable dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .protocol import DeviceInfo


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


Event = (
    Ready | LevelChanged | FellBack | RoundTrip | Calibrated | Recording | Failed | Notice | DevicesChanged | FileEnded
)
