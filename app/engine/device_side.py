"""One end of a connection: the device that is wanted, whether it runs, and how much its driver is asked to buffer."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Generic

from .device_settings import LATENCY_STEP, LONGEST_LATENCY_S, latency_s
from .devices import OpenDevice, PortT
from .inputs import is_file
from .protocol import NONE

#: a device that has not called for this many seconds has stalled, whether or not the driver reported it
STALL_S = 1.0

#: seconds that a device may need for its first call after it was opened: PulseAudio's null sinks need two
GRACE_S = 4.0

#: a device whose driver loses sound this often within the time in seconds is opened with a longer buffer
LOSSES, LOSSES_S = 2, 20.0


@dataclass(eq=False)
class Side(Generic[PortT]):
    """Input or output: its requested name, and the device where that is one."""

    direction: str
    wanted: str
    device: OpenDevice[PortT] | None = None
    lost: bool = False
    attempt_at: float = 0.0
    opened_at: float = 0.0
    latency: float = field(default_factory=latency_s)  # that its driver is asked for, in seconds
    _losses: deque[float] = field(default_factory=lambda: deque(maxlen=LOSSES))  # when the latest ones were seen
    _counted: int = 0

    @property
    def name(self) -> str:
        """What is in use: the identity of the device, otherwise the requested name."""
        return self.device.info.identity if self.device else self.wanted

    @property
    def latency_ms(self) -> float:
        return self.device.latency_ms if self.device else 0.0

    @property
    def is_device(self) -> bool:
        return self.wanted != NONE if self.direction == "output" else not is_file(self.wanted)

    def opened(self, device: OpenDevice[PortT]) -> OpenDevice[PortT]:
        self.device, self.opened_at = device, time.perf_counter()
        self._losses.clear()
        self._counted = 0
        return device

    def has_lost_sound(self, now: float) -> bool:
        """Whether the driver has lost sound several times since the device has settled, and can be asked for more."""
        if self.device is None or self.latency >= LONGEST_LATENCY_S:
            return False
        losses = self.device.port.losses
        if now - self.opened_at > GRACE_S:
            self._losses.extend([now] * min(LOSSES, losses - self._counted))
        self._counted = losses
        return len(self._losses) == LOSSES and now - self._losses[0] <= LOSSES_S

    @property
    def never_settled(self) -> bool:
        """Whether the device has stopped calling soon after it was opened, as with too short a buffer."""
        return self.device is not None and self.device.port.last_call - self.opened_at < GRACE_S

    def ask_for_more(self) -> None:
        """Ask the driver for a longer buffer the next time the device is opened."""
        self.latency = max(self.latency, min(LONGEST_LATENCY_S, LATENCY_STEP * self.latency))

    def stalled(self, now: float) -> bool:
        if self.device is None or now - self.opened_at <= GRACE_S:
            return False
        return now - self.device.port.last_call > STALL_S
