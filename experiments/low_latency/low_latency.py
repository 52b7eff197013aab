"""Measures what makes live latency low, on an idle machine. Each part writes its result under its name.

    python -m experiments.low_latency.low_latency [PART ...] [--before CHECKOUT]

- mouth_to_ear: the app between two virtual devices for ten minutes: delay, its parts, gaps
- pipewire: the same through PipeWire for two minutes, where that is installed
- pace: chunk times of levels 0, 4, 6 and 7 at live rate and back to back, in one interleaved run, with the cold floor
- engine: processor time for a second of sound, in all and outside of the separator's step
- painting: processor time of the window for a second, in a large window at two device pixels for each logical one

With ``--before`` the part ``engine`` takes turns with the engine of an older checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepprune.bench.cold import cold_floors
from sepprune.bench.interleave import Measured, Rounds, Series, interleave
from sepprune.bench.pace import Stream, SystemClock
from sepprune.bench.times import Contender, undisturbed
from sepprune.streaming import Ladder, StreamingSeparator
from sepprune.streaming.machine import load, machine
from tests.audio.virtual_audio import VirtualAudio
from tests.stalls import StallWatch, kept_awake

from ..common import ROOT, read_json, run_script
from ..live import CHUNK_MS, demo
from ..mouth_to_ear.mouth_to_ear import measured
from ..mouth_to_ear.virtual_pipewire import VirtualPipeWire

RESULT = Path(__file__).with_suffix(".json")
LEVELS = (0, 4, 6, 7)
TOUCHED = " touched"
Facts = dict[str, Any]


def mouth_to_ear(seconds: float = 600.0) -> Facts:
    """The way between two virtual devices at 48 kHz, with the buffers that the app asks for by itself.

    The processors are kept from sleeping, since the host of a virtual machine is slow to wake them.
    """
    return _between_devices(seconds, VirtualAudio)


def pipewire(seconds: float = 120.0) -> Facts:
    """The same way through PipeWire's server for PulseAudio, in two minutes; the reason where that is not installed."""
    try:
        return _between_devices(seconds, VirtualPipeWire)
    except RuntimeError as error:
        return {"not_measured": str(error)}


def _between_devices(seconds: float, server: type[VirtualAudio]) -> Facts:
    with kept_awake(), StallWatch() as watch:
        found = measured(48_000, None, seconds, server)
    return found | {"host_stalls": watch.summary()}


class Touching:
    """A stream that computes each step twice: once for nothing, shortly before the chunk is due.

    That brings weights and code back into the caches. It takes as much processor time as the separation itself.

    Args:
        stream: on a backend with buffers of its own.
        lead_s: seconds between the two.
    """

    def __init__(self, stream: StreamingSeparator, lead_s: float = 0.0008) -> None:
        self._stream, self._lead_s = stream, lead_s
        self._due = time.perf_counter()

    def step(self, chunk: NDArray[np.float32], /) -> object:
        self._due = time.perf_counter() + CHUNK_MS / 1000
        return self._stream.step(chunk)

    def settle(self) -> None:
        self._stream.settle()
        time.sleep(max(0.0, self._due - self._lead_s - time.perf_counter()))
        buffers: Any = self._stream._runner._state
        buffers._call_step()  # its outputs are overwritten by the next step, and the state is not touched


def pace(chunks: int = 64 * 40) -> Facts:
    """Chunk times in milliseconds, and how many times faster than level 0 each level is, with 95 % intervals.

    In a second set of rows each level computes a step for nothing shortly before a chunk is due.
    """
    ladder, clock = Ladder.load(None), SystemClock()
    streams: dict[Contender, StreamingSeparator] = {}
    for touched in (False, True):
        for level in LEVELS:
            stream = StreamingSeparator(ladder, level, CHUNK_MS)
            streams[Contender(level, stream.backend + TOUCHED * touched, stream.precision, 1)] = stream
    timed: dict[Contender, Stream] = {
        contender: Touching(stream) if contender.backend.endswith(TOUCHED) else stream
        for contender, stream in streams.items()
    }
    sound = demo("mixture", ladder.sample_rate, 10.0).reshape(-1, next(iter(streams.values())).chunk)
    rounds, found = Rounds(CHUNK_MS / 1000, chunks, 0, clock.now()), Measured()
    with undisturbed():
        interleave(timed, sound, rounds, clock, found, lambda _: None)
    cold = cold_floors(ladder, [(contender.level, contender.precision) for contender in timed])
    for stream in streams.values():
        stream.close()
    rows: list[Facts] = []
    for contender in timed:
        dense = next(one for one in timed if one.backend == contender.backend)
        row: Facts = {
            "level": contender.level,
            "macs_share": ladder[contender.level].macs_per_second / ladder[0].macs_per_second,
            "backend": contender.backend,
            "precision": contender.precision,
            "cold_floor_ms": cold[contender.level, contender.precision],
        }
        for name, paced in (("paced", True), ("back_to_back", False)):
            own = _medians(found, contender, paced)
            times_faster = _ratio(_medians(found, dense, paced), own)
            row[name] = {"p50_ms": float(np.median(own)), "times_faster": times_faster}
        rows.append(row)
    return {"chunks": chunks, "rows": rows}


def _medians(found: Measured, contender: Contender, paced: bool) -> NDArray[np.float64]:
    """Median chunk time of each block."""
    return np.array([np.median(block.times) for block in found.blocks[Series(contender, paced)]], np.float64)


def _ratio(dense: NDArray[np.float64], own: NDArray[np.float64]) -> list[float]:
    """Ratio of two medians over blocks that took turns, with the ends of its 95 % interval (bootstrap over rounds)."""
    random = np.random.default_rng(0)
    drawn = random.integers(len(own), size=(2000, len(own)))
    ratios = np.median(dense[drawn], axis=1) / np.median(own[drawn], axis=1)
    low, high = np.percentile(ratios, (2.5, 97.5))
    return [round(float(value), 3) for value in (np.median(dense) / np.median(own), low, high)]


#: runs an engine on the demo without devices; prints processor and step time for a second of sound
_ENGINE = """
import json, time
from app.engine.process import EngineProcess
from app.engine.protocol import Settings

if __name__ == "__main__":
    engine = EngineProcess(Settings("demo", "none"))
    engine.start()
    telemetry = engine.telemetry
    while not telemetry.counters["chunks"] > 1000:
        engine.events()
        time.sleep(0.05)
    began, cpu = time.perf_counter(), telemetry.counters["engine_cpu_seconds"]
    steps, first = 0.0, int(telemetry.frames_since(0)["index"][-1]) + 1
    following = first
    while time.perf_counter() < began + SECONDS:
        time.sleep(0.5)
        engine.events()
        rows = telemetry.frames_since(following)
        following = int(rows["index"][-1]) + 1
        steps += float((rows["t_done"] - rows["t_start"]).sum())
    seconds = (following - first) * 0.008
    cpu = telemetry.counters["engine_cpu_seconds"] - cpu
    engine.stop()
    print(json.dumps({"all_ms": 1000 * cpu / seconds, "outside_ms": 1000 * (cpu - steps) / seconds}))
"""


def engine(before: Path | None = None, seconds: float = 20.0, repeats: int = 5) -> Facts:
    """Milliseconds of processor time for a second of sound; two checkouts take turns where there are two."""
    places = {"now": ROOT} | ({} if before is None else {"before": before.resolve()})
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in places}
    for _ in range(repeats):
        for name, place in places.items():
            runs[name].append(_engine_in(place, seconds))
    result: Facts = {"seconds": seconds}
    for name, found in runs.items():
        result[name] = {
            key: {"median": float(np.median(values)), "all": [round(value, 3) for value in values]}
            for key in found[0]
            for values in [[run[key] for run in found]]
        }
    return result


def _engine_in(place: Path, seconds: float) -> dict[str, float]:
    found: dict[str, float] = _printed(_ENGINE.replace("SECONDS", str(seconds)), place)
    return found


def _printed(script: str, place: Path, **variables: str) -> Any:
    """What a script prints as JSON in a process of its own.

    Args:
        script: Python; in a file, because it starts processes.
        place: checkout from which it imports.
        variables: of its environment.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "measure.py"
        file.write_text(script, encoding="utf-8")
        environment = os.environ | {"PYTHONPATH": str(place), **variables}
        command = [sys.executable, str(file)]
        run = subprocess.run(command, env=environment, cwd=place, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout)


#: shows the window on the demo, and prints its own processor time for a second
_WINDOW = """
import json, time
from PyQt6.QtCore import QEventLoop, QTimer
from app.engine.process import EngineProcess
from app.engine.protocol import Settings
from app.ui.main import prepared_application
from app.ui.settings import Preferences
from app.ui.window import MainWindow

def run():
    application = prepared_application()
    window = MainWindow(EngineProcess(Settings("demo", "none")), Preferences())
    window.resize(1440, 900)
    window.show()
    window.start()
    def wait(seconds):
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        loop.exec()
    wait(15)
    began, cpu = time.perf_counter(), time.process_time()
    wait(SECONDS)
    cpu = time.process_time() - cpu
    seconds = time.perf_counter() - began
    window.close()
    print(json.dumps({"cores": cpu / seconds, "ratio": window.devicePixelRatioF()}))

if __name__ == "__main__":
    run()
"""


def painting(seconds: float = 30.0) -> Facts:
    """Share of a core that the window's process takes, painting in memory (Qt's platform \"offscreen\")."""
    script = _WINDOW.replace("SECONDS", str(seconds))
    return {
        f"at {scale}x": _printed(script, ROOT, QT_QPA_PLATFORM="offscreen", QT_SCALE_FACTOR=str(scale))
        for scale in (1, 2)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help="mouth_to_ear, pipewire, pace, engine or painting (default: all)"
    )
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="older checkout for the part engine")
    args = parser.parse_args()
    parts: dict[str, Callable[[], Facts]] = {
        "pace": pace,
        "engine": lambda: engine(args.before),
        "painting": painting,
        "mouth_to_ear": mouth_to_ear,
        "pipewire": pipewire,
    }
    if unknown := set(args.parts) - set(parts):
        parser.error(f"{unknown.pop()!r} is no part: expected {', '.join(parts)}")
    for name in args.parts or parts:
        report: Facts = read_json(RESULT) if RESULT.is_file() else {}
        report |= {"machine": machine(), name: {"load": load(), **parts[name]()}}
        RESULT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(json.dumps({name: report[name]}, indent=1), flush=True)


if __name__ == "__main__":
    run_script(main)
