"""The words that engine and window share, and what an engine starts with.

Settings go in once, :mod:`~app.engine.commands` whenever something changes, :mod:`~app.engine.events` come back:
picklable dataclasses, nothing else. What flows at audio rate goes through :mod:`app.engine.telemetry` instead.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        threads: that share a chunk.
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
    threads: int = 1


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
