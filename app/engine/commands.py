"""What the window tells the engine: picklable dataclasses, taken between two chunks."""

from __future__ import annotations

from dataclasses import dataclass

from .protocol import RECORDING_FORMATS


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


Command = (
    SetLevel
    | SetRouting
    | SetGain
    | SetBypass
    | SetMute
    | SetSolo
    | SetFallback
    | SetLoop
    | SetPaused
    | StartRecording
    | StopRecording
    | SetDevices
    | Rescan
    | MeasureRoundTrip
    | Calibrate
    | ResetStatistics
    | Quit
)
