"""A loudspeaker that is fed all the time, with silence where nothing plays, so that every switch has the same delay."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import numpy as np

from sepprune.errors import UserError

from .arrays import Samples
from .devices import default_device, open_output, rescan
from .resampling import Resampler

#: sound that is rendered at once, and that waits for the device at most; seconds. A switch is heard that much later.
BLOCK_S, AHEAD_S = 0.01, 0.06

#: gives the next samples, ``(frames,)`` or ``(frames, 2)``
Render = Callable[[int], Samples]


class Speaker(Protocol):
    """Plays what it gets from a :data:`Render`."""

    @property
    def name(self) -> str:
        """Name of the device."""

    @property
    def late(self) -> int:
        """Gaps in the sound since the start."""

    @property
    def stopped(self) -> bool:
        """Whether the device asks for no more sound."""

    def close(self) -> None:
        """Stop."""


def output_named(wanted: str | None) -> str:
    """Identity of an output device; ``None`` is the system's default.

    Raises:
        UserError: there is no output device, or PortAudio is not installed.
    """
    if wanted is not None:
        return wanted
    found = default_device("output")
    if found is None:
        raise UserError("there is no output device: connect headphones, or name a device with --output")
    return found.identity


class DeviceSpeaker:
    """A device that runs from the start. No other stream may be open in this process: devices are searched for anew, so
    that one that was connected again is found.

    Args:
        device: as for :func:`~.devices.find_device`.
        rate: of what is rendered, in hertz.
        render: called in a thread of its own.

    Raises:
        UserError: there is no such device, or it cannot be opened.
    """

    def __init__(self, device: str, rate: int, render: Render) -> None:
        rescan()
        self._frames, self._render = round(BLOCK_S * rate), render
        self._device = open_output(device, rate, self._frames)
        port = self._device.port
        port.target = round(AHEAD_S * port.rate)
        self._resampler = Resampler(rate, port.rate, channels=2)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._feed, name="speaker", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        return self._device.info.name

    @property
    def late(self) -> int:
        return self._device.port.underruns + self._device.port.underflows

    @property
    def stopped(self) -> bool:
        return self._device.port.stopped

    def close(self) -> None:
        self._device.port.ending = True
        self._ending.set()
        self._thread.join()
        self._device.close()

    def _feed(self) -> None:
        port = self._device.port
        while not self._ending.wait(BLOCK_S / 2):
            while port.ring.available < port.target:
                sound = self._render(self._frames)
                block = self._resampler(sound if sound.ndim > 1 else np.repeat(sound[:, None], 2, axis=1))
                port.ring.write(block if port.channels == 2 else block.mean(axis=1, keepdims=True))
