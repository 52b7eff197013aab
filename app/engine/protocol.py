"""What an engine is started with, and the words that engine and window share.

:class:`Settings` go in once, :mod:`~app.engine.controls` and :mod:`~app.engine.commands` while it runs, and
:mod:`~app.engine.events` come back. All of them are picklable dataclasses. Sound and chunk times go through
:mod:`app.engine.telemetry` instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from .controls import Controls

#: file formats of recordings: WAV with 32-bit float samples, or FLAC with 24-bit samples
RECORDING_FORMATS = ("wav", "flac")

#: the input that plays the bundled demo mixture at live speed
DEMO = "demo"

#: the output that discards sound
NONE = "none"


@dataclass(frozen=True)
class Settings:
    """What an engine is started with.

    Args:
        input: ``"demo"``, the path of a sound file, or a device (:attr:`DeviceInfo.identity`, or its name alone).
        output: ``"none"`` or a device.
        ladder: folder of the ladder, or ``None`` for the bundled one.
        chunk_ms: chunk duration in milliseconds; the separator raises it to whole hops.
        backend: ``auto``, ``openvino``, ``onnxruntime``, ``torch`` or ``cuda``.
        precision: ``auto``, ``fp32``, or another one that backend and processor support.
        threads: processor threads that share a chunk.
        remeasure: with backend and precision ``auto``, measure again which of them is fastest on this machine.
        controls: the live controls at the start.
        patient: start without an output that is missing, and use it as soon as it appears.
        compared: for a blind comparison, the levels that run side by side; ``None`` is the unprocessed mixture. The
            level of the controls has no effect then.
    """

    input: str
    output: str
    ladder: str | None = None
    chunk_ms: float = 8.0
    backend: str = "auto"
    precision: str = "auto"
    threads: int = 1
    remeasure: bool = False
    controls: Controls = Controls()
    patient: bool = False
    compared: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class DeviceInfo:
    """One direction of an audio device.

    Args:
        identity: ``"NAME, HOST API"``, followed by `` #2`` and so on where two devices share both. :class:`Settings`
            name a device by it.
        name: name of the device.
        host_api: the audio system that offers it, such as ``ALSA``.
        direction: ``"input"`` or ``"output"``.
        channels: most channels that it can open.
        rate: its default sample rate in hertz.
        is_monitor: whether it is an input that carries what the computer plays.
    """

    identity: str
    name: str
    host_api: str
    direction: str
    channels: int
    rate: int
    is_monitor: bool
