"""An engine without process and sound device: it keeps the commands, and the test writes its telemetry."""

from __future__ import annotations

import time

import numpy as np

from app.engine.controls import Controls
from app.engine.events import Ready
from app.engine.facts import LevelFacts
from app.engine.protocol import DeviceInfo, Settings
from app.engine.telemetry import DEADLINE_MISS, TRANSITION, Telemetry

#: controls of the engine at the start of every test
CONTROLS = Controls(routing="split")

SETTINGS = Settings(input="demo", output="none", controls=CONTROLS)

SHARES = (1.0, 0.75, 0.55, 0.4, 0.22, 0.1)

LADDER = tuple(
    LevelFacts(
        level=k,
        params=int(1_300_000 * share),
        macs_per_second=180e6 * share,
        share=share,
        si_sdri={
            "clean": 7.1 - 3.2 * (1 - share) ** 2,
            "noisy": 5.2 - 2.8 * (1 - share) ** 2,
            "room": 4.4 - 2.6 * (1 - share) ** 2,
        },
    )
    for k, share in enumerate(SHARES)
)

READY = Ready(
    ladder=LADDER,
    sample_rate=16_000,
    chunk=128,
    hop=128,
    delay=128,
    backend="openvino",
    precision="fp32",
    input="demo",
    output="none",
    input_name="Demo mixture",
    output_name="none",
    input_rate=48_000,
    output_rate=48_000,
    driver_in_ms=10.0,
    driver_out_ms=12.0,
)

DEVICES = (
    DeviceInfo("USB microphone, ALSA", "USB microphone", "ALSA", "input", 1, 48_000, False),
    DeviceInfo("Monitor of Speakers, ALSA", "Monitor of Speakers", "ALSA", "input", 2, 44_100, True),
    DeviceInfo("Speakers, ALSA", "Speakers", "ALSA", "output", 2, 48_000, False),
)


class EngineDouble:
    """Stands in for :class:`app.engine.process.EngineProcess` in tests of the window."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.telemetry = Telemetry()
        self.alive = False
        self.pid: int | None = None
        self.sent: list[object] = []
        self.starts = 0
        self._events: list[object] = []
        self._chunks = 0

    def start(self) -> None:
        self.alive = True
        self.starts += 1
        self.telemetry = Telemetry()
        self._chunks = 0

    def stop(self) -> None:
        self.alive = False

    def send(self, command: object) -> None:
        self.sent.append(command)

    def say(self, *events: object) -> None:
        """Give ``events`` to the window at its next tick."""
        self._events.extend(events)
        self.telemetry.set("heartbeat", time.perf_counter())

    def events(self) -> list[object]:
        said, self._events = self._events, []
        return said

    def run(
        self, audio: np.ndarray, level: int = 0, compute_ms: np.ndarray | float = 1.0, transition_chunks: int = 0
    ) -> None:
        """Write ``audio`` (3, n) and a row for each whole chunk of it."""
        chunks = audio.shape[1] // READY.chunk
        times = np.broadcast_to(compute_ms, chunks)
        self.telemetry.write_audio(np.ascontiguousarray(audio, dtype=np.float32))
        for number in range(chunks):
            t_in = self._chunks * 0.008
            flags = (TRANSITION if number < transition_chunks else 0) | (DEADLINE_MISS if times[number] > 8 else 0)
            t_done = t_in + 2e-4 + times[number] / 1000
            self.telemetry.write_frame(level, t_in, t_in + 2e-4, t_done, t_done + 8e-3, flags)
            self._chunks += 1
        self.telemetry.set("heartbeat", time.perf_counter())
