"""Run the engine for a day of virtual time and watch memory, files and threads: ``python -m tests.soak --hours 24``.

A microphone and a loudspeaker with clocks of their own are simulated call by call. Every ten virtual minutes the
level changes; every hour there is a recording, a device that stops for two seconds, and a flood of commands. After the
first hour, in which caches fill, memory, open files and threads must not grow, and no sound may be lost besides that of
the stopped device.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.clock import VirtualClock
from app.engine.controls import Controls
from app.engine.engine import Engine
from app.engine.ports import InputPort, OutputPort
from app.engine.recorder import Recorder
from app.engine.sinks import LoudspeakerSink
from app.engine.sources import MicrophoneSource
from app.engine.telemetry import Telemetry
from sepprune.streaming import Ladder, StreamingSeparator
from tests.app.conftest import speech_like, write_tiny_ladder

#: how much faster the loudspeaker's clock is than the microphone's, and bytes by which memory may grow after an hour
SPEED, MOST_GROWTH = 1.0001, 20_000_000


class Flags:
    """No overflow and no underflow."""

    input_overflow = output_underflow = False


class Desk:
    """An engine between a simulated microphone and loudspeaker at 16 kHz.

    Args:
        ladder: folder.
        chunk_ms: duration of a chunk.
    """

    def __init__(self, ladder: Path, chunk_ms: float) -> None:
        self.clock, self.telemetry = VirtualClock(), Telemetry()
        self.separator = StreamingSeparator(Ladder.load(ladder), chunk_ms=chunk_ms)
        self.chunk, rate = self.separator.chunk, self.separator.sample_rate
        self.input, self.output = InputPort(rate, 1, self.clock.now), OutputPort(rate, 2, 0, self.clock.now)
        self.period = self.chunk / rate
        source = MicrophoneSource(self.input, "microphone", self.chunk, rate)
        sink = LoudspeakerSink(self.output, "loudspeaker", self.chunk, rate, self.clock.now)
        self.events: list[object] = []
        self.engine = Engine(self.separator, source, sink, self.telemetry, clock=self.clock, emit=self.events.append)
        self._speech = speech_like(10.0)[:, None]
        self.blocks = 0
        self._said, self._next_call, self._block = 0, 0.0, np.empty((self.chunk, 2), np.float32)

    def run(self, seconds: float, playing: bool = True) -> None:
        """Let time pass; a loudspeaker that is not ``playing`` has stopped calling."""
        for _ in range(round(seconds / self.period)):
            self.clock.advance(self.period)
            start = self._said % (len(self._speech) - self.chunk)
            self.input.callback(self._speech[start : start + self.chunk], self.chunk, None, Flags())
            self._said += self.chunk
            self.blocks += 1
            while self.engine.turn():
                pass
            while self._next_call <= self.clock.now():
                if playing:
                    self.output.callback(self._block, self.chunk, None, Flags())
                self._next_call += self.period / SPEED

    def level(self, level: int) -> None:
        """Change the level, and do not wait for it."""
        self.engine.apply(self.engine.controls.changed(level=level))


def used() -> dict[str, int]:
    """Memory in bytes, open files and threads of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "memory": pages * os.sysconf("SC_PAGE_SIZE"),
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }


def hour(desk: Desk, number: int, folder: Path) -> None:
    """One virtual hour."""
    for minute in range(60):
        if minute % 10 == 5:
            desk.level((number + minute // 10) % 3)
        if minute == 10:
            recorder = Recorder(str(folder), desk.separator.sample_rate, {}, desk.events.append)
            desk.engine.recorder = recorder
            desk.run(10)
            desk.engine.recorder = None
            recorder.close(60)
            desk.run(50)
        elif minute == 20:
            desk.run(2, playing=False)
            desk.run(58)
        elif minute == 30:
            for count in range(1000):
                desk.engine.apply(Controls(level=desk.engine.controls.level, mute=bool(count % 2)))
            desk.engine.apply(Controls(level=desk.engine.controls.level))
            desk.run(60)
        else:
            desk.run(60)
    desk.events.clear()
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def soak(hours: int, chunk_ms: float, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Run; returns the figures, with ``problems`` in words."""
    began, rows = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "recordings"
        folder.mkdir()
        desk = Desk(write_tiny_ladder(Path(name) / "ladder"), chunk_ms)
        for number in range(hours):
            hour(desk, number, folder)
            counters = desk.telemetry.counters
            rows.append({"hour": number + 1, **used(), "underruns": int(counters["ring_underruns"])})
            say(", ".join(f"{key} {value}" for key, value in rows[-1].items()))
        counters, chunks = desk.telemetry.counters, desk.blocks
        desk.separator.close()
    first, last = rows[0], rows[-1]
    grown = [key for key in ("files", "threads") if last[key] > first[key]]
    problems = [f"{key} grew from {first[key]} to {last[key]}" for key in grown]
    if last["memory"] - first["memory"] > MOST_GROWTH:
        problems.append(f"memory grew from {first['memory']} to {last['memory']} bytes")
    # one gap for each time the loudspeaker has stopped
    lost = {"ring_overruns": 0, "input_overflows": 0, "deadline_misses": 0, "ring_underruns": hours}
    problems += [f"{key} is {counters[key]:.0f}" for key, most in lost.items() if counters[key] > most]
    if counters["chunks"] != chunks:
        problems.append(f"{counters['chunks']:.0f} chunks instead of {chunks}")
    return {
        "hours": hours,
        "chunk_ms": 1000 * desk.period,
        "chunks": int(counters["chunks"]),
        "switches": int(counters["switches"]),
        "gaps": int(counters["ring_underruns"]),
        "drift_samples": int(counters["drift_samples"]),
        "memory_growth_bytes": last["memory"] - first["memory"],
        "files": [first["files"], last["files"]],
        "threads": [first["threads"], last["threads"]],
        "seconds": round(time.perf_counter() - began, 1),
        "problems": problems,
        "rows": rows,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=24, help="virtual hours")
    parser.add_argument("--chunk-ms", type=float, default=8.0)
    parser.add_argument("--report", metavar="FILE", help="write the figures as JSON")
    args = parser.parse_args()
    found = soak(args.hours, args.chunk_ms)
    return end(found, f"{found['hours']} hours, {found['chunks']} chunks", args.report)


def end(found: dict[str, Any], what: str, report: str | None) -> int:
    """Print the verdict and write the figures.

    Returns:
        exit status, 1 where there are ``problems``.
    """
    print(f"{what}: {'; '.join(found['problems']) or 'nothing grew, nothing lost'}")
    if report:
        Path(report).write_text(json.dumps(found, indent=2) + "\n")
    return int(bool(found["problems"]))


if __name__ == "__main__":
    sys.exit(main())
