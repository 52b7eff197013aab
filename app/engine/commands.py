"""What the window tells the engine: picklable dataclasses, taken between two chunks.

The controls are sent whole, as :class:`~app.engine.controls.Controls`. The other commands are actions.
"""

from __future__ import annotations

from dataclasses import dataclass

from .controls import Controls
from .protocol import RECORDING_FORMATS


@dataclass(frozen=True)
class RetryWantedLevel:
    """Leave the level of the fallback and return to the wanted level now, before the calm seconds have passed."""


@dataclass(frozen=True)
class StartRecording:
    """Record mixture and voices into a new folder inside ``folder``, in one of :data:`RECORDING_FORMATS`.

    ``voices`` are the names that the user gave the voices; empty where there are none. ``session.json`` has them.
    Answered by ``Recording``, or by ``RecordingFailed``.
    """

    folder: str
    format: str = RECORDING_FORMATS[0]
    voices: tuple[str, ...] = ()


@dataclass(frozen=True)
class StopRecording:
    """Finish the recording; answered by ``Recording(None)``."""


@dataclass(frozen=True)
class SetDevices:
    """Change input and output, named as in :class:`~app.engine.protocol.Settings`.

    Answered by ``Ready``. Where one of them cannot be opened, ``Failed`` says why and the old ones stay in use.
    """

    input: str
    output: str


@dataclass(frozen=True)
class Rescan:
    """Search for devices again; answered by ``DevicesChanged``."""


@dataclass(frozen=True)
class MeasureRoundTrip:
    """Play chirps and detect them in the input; answered by ``RoundTrip``."""


@dataclass(frozen=True)
class Calibrate:
    """Measure, while sound runs, which backend and precision is fastest; answered by ``Calibrated``."""


@dataclass(frozen=True)
class ResetStatistics:
    """Set every counter but the chunk count to zero. The reader resets its own ``LatencyStatistics``."""


@dataclass(frozen=True)
class Seek:
    """Continue a file at this position, in seconds; no effect with a microphone, or once the file has ended."""

    seconds: float


@dataclass(frozen=True)
class Hear:
    """In a blind comparison: change what is heard, with a fade out and in, also onto what is heard already.

    Args:
        condition: place in :attr:`Settings.compared <app.engine.protocol.Settings.compared>`; ``None`` is silence.
        held: hear the last ten seconds in a loop instead of the running sound.
    """

    condition: int | None
    held: bool = False


@dataclass(frozen=True)
class MatchLoudness:
    """In a blind comparison: make all conditions equally loud from now on; answered by ``LoudnessMatched``."""


@dataclass(frozen=True)
class Quit:
    """Close the recording and the devices, and end the process."""


Command = (
    Controls
    | RetryWantedLevel
    | StartRecording
    | StopRecording
    | SetDevices
    | Rescan
    | MeasureRoundTrip
    | Calibrate
    | ResetStatistics
    | Seek
    | Hear
    | MatchLoudness
    | Quit
)
