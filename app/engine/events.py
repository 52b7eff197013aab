"""What the engine tells the window: picklable dataclasses."""

from __future__ import annotations

from dataclasses import dataclass

from .facts import LevelFacts, Trial
from .protocol import DeviceInfo


@dataclass(frozen=True)
class Ready:
    """Audio runs. Sent at the start and again after every change of devices.

    Args:
        ladder: the levels, dense first.
        sample_rate: of the separator, in hertz.
        chunk, hop, delay: in samples at ``sample_rate``.
        backend, precision: what computes the level that is heard.
        input, output: what is in use, named as in :class:`~app.engine.protocol.Settings`; devices by their identity.
        input_name, output_name: the same for people.
        input_rate, output_rate: of device or file, in hertz; ``output_rate`` is 0 for the output ``"none"``.
        driver_in_ms, driver_out_ms: latencies that the host API states when a device is opened; 0 for files and
            ``"none"``. The telemetry has what it states for each block.
        priority: scheduling that the system granted: ``real-time``, ``high`` or ``normal``.
        resamplers_ms: delay of the resamplers at input and output together.
        threads: processor threads that share a chunk.
    """

    ladder: tuple[LevelFacts, ...]
    sample_rate: int
    chunk: int
    hop: int
    delay: int
    backend: str
    precision: str
    input: str
    output: str
    input_name: str
    output_name: str
    input_rate: int
    output_rate: int
    driver_in_ms: float = 0.0
    driver_out_ms: float = 0.0
    priority: str = "normal"
    resamplers_ms: float = 0.0
    threads: int = 1


@dataclass(frozen=True)
class LevelChanged:
    """A level is fully audible.

    Args:
        level: the level that is heard.
        wanted: the level of the controls when the change began; another one where the fallback chose ``level``.
        switch_ms: time from the request to the end of the crossfade, in milliseconds.
        backend, precision: what computes the level.
    """

    level: int
    wanted: int
    switch_ms: float
    backend: str = ""
    precision: str = ""


@dataclass(frozen=True)
class LevelFailed:
    """A level cannot be used; the one before continues.

    Args:
        level: the level that is heard.
        wanted: the level of the controls when the change began. It is that of the engine's controls no longer: the
            engine continues as if ``level`` were wanted.
        message: one sentence.
    """

    level: int
    wanted: int
    message: str


@dataclass(frozen=True)
class FellBack:
    """The fallback chose ``level``, lighter than ``wanted`` or one step back towards it.

    ``LevelChanged`` follows once the level is heard.
    """

    level: int
    wanted: int
    message: str


@dataclass(frozen=True)
class RoundTrip:
    """Result of a round-trip measurement.

    Args:
        round_trip_ms: delay through loudspeaker, air or cable, microphone and every buffer, in milliseconds; ``None``
            where too few chirps came back.
        input_to_output_ms: the same and the separator's delay, that is the delay of a voice; ``None`` likewise.
        spread_ms: difference between the longest and the shortest delay of a chirp.
        message: the result, or why there is none, as a sentence.
        interrupted: a device was changed or opened again meanwhile, so that another try can succeed.
    """

    round_trip_ms: float | None
    input_to_output_ms: float | None
    spread_ms: float
    message: str
    interrupted: bool = False


@dataclass(frozen=True)
class Calibrated:
    """Chunk times of every backend and precision at every level.

    ``trials`` is empty where nothing was measured; a :class:`Notice` has said why. Levels that are opened from now on
    use what was chosen.
    """

    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class LoudnessMatched:
    """Gains in dB that make the conditions of a blind comparison equally loud; ``None`` where it was too quiet."""

    gains_db: tuple[float, ...] | None


@dataclass(frozen=True)
class Recording:
    """The folder of the recording that runs, or ``None`` once it has ended."""

    path: str | None


@dataclass(frozen=True)
class RecordingFailed:
    """A recording could not be started or continued; ``Recording(None)`` follows. The sound continues."""

    message: str


@dataclass(frozen=True)
class Failed:
    """A command could not be carried out; with ``fatal`` the engine has ended."""

    message: str
    fatal: bool


@dataclass(frozen=True)
class Notice:
    """One sentence for the status line."""

    message: str


@dataclass(frozen=True)
class DevicesChanged:
    """Every device that was found."""

    devices: tuple[DeviceInfo, ...]


@dataclass(frozen=True)
class FileEnded:
    """A file that is not looped has been played to its last sample."""


Event = (
    Ready
    | LevelChanged
    | LevelFailed
    | FellBack
    | RoundTrip
    | Calibrated
    | LoudnessMatched
    | Recording
    | RecordingFailed
    | Failed
    | Notice
    | DevicesChanged
    | FileEnded
)
