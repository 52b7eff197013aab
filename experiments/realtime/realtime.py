"""Checks the stream on this machine; each check writes its result under its name in realtime.json.

    python -m experiments.realtime.realtime [CHECK ...]

- agreement: one minute with level changes, every backend against eager torch
- content: chunk time of the dense level on speech, silence, denormals, NaN and full scale
- loaded: chunk time at live speed while another process keeps another core busy
- pace: chunk time against the length of a busy wait before the chunk
- startup: seconds until the window is visible, until the first chunk is separated, and until a killed engine has
  recovered; memory of the engine (needs no display)
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sepprune.streaming import Ladder, StreamingSeparator, backend_names
from sepprune.streaming.machine import load, machine

from ..common import ROOT, read_json, run_script
from ..live import CHUNK_MS, demo, quiet_collector

#: lengths of the busy wait before a chunk
WAITS_MS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
RESULT = Path(__file__).with_suffix(".json")
Facts = dict[str, object]


def agreement(seconds: float = 60.0, switches: int = 20) -> Facts:
    """Largest difference from eager torch over the demo mixture, with level changes at equal intervals."""
    ladder = Ladder.load(None)
    mixture = demo("mixture", ladder.sample_rate, seconds)
    outputs: dict[str, NDArray[np.float32]] = {}
    for backend in reversed(backend_names()):  # torch is the last name
        with StreamingSeparator(ladder, 0, CHUNK_MS, backend, "fp32") as stream:
            chunks, parts = mixture.reshape(-1, stream.chunk), []
            every, random = len(chunks) // (switches + 1), np.random.default_rng(0)
            for index, chunk in enumerate(chunks):
                if index and index % every == 0:
                    stream.set_level(int(random.integers(len(ladder.levels))), wait=True)
                parts.append(stream.step(chunk))
        outputs[backend] = np.concatenate(parts, axis=1)
    reference = outputs.pop("torch")
    return {
        "seconds": mixture.size / ladder.sample_rate,
        "switches": switches,
        "largest_sample": float(np.abs(reference).max()),
        "largest_difference": {name: float(np.abs(output - reference).max()) for name, output in outputs.items()},
    }


def content(rounds: int = 150, block: int = 50) -> Facts:
    """Chunk times in milliseconds. The kinds of content alternate, so that a disturbance affects all of them alike."""
    ladder = Ladder.load(None)
    with StreamingSeparator(ladder, 0, CHUNK_MS) as stream:
        random, shape = np.random.default_rng(0), (block, stream.chunk)
        speech = np.resize(demo("mixture", ladder.sample_rate, 10.0), shape)
        noise = random.uniform(-1, 1, shape).astype(np.float32)
        kinds = {
            "speech": speech,
            "silence after speech": np.zeros(shape, np.float32),
            "noise of 1e-38": noise * np.float32(1e-38),
            "noise at full scale": noise,
            "noise of 1e30": noise * np.float32(1e30),
            "not a number": np.full(shape, np.nan, np.float32),
        }
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        quiet_collector()
        for _ in range(rounds):
            for kind, chunks in kinds.items():
                if kind == "silence after speech":
                    for chunk in speech[:10]:
                        stream.step(chunk)
                times[kind] += _timed(stream, chunks)
        how = f"{stream.backend} {stream.precision}"
    return {
        "computed_by": how,
        "chunks_each": rounds * block,
        **{kind: _summary(values) for kind, values in times.items()},
    }


def loaded(seconds: float = 60.0) -> Facts:
    """Chunk times of a heavy, a middle and a light level at live speed, on one core where the system allows it."""
    ladder = Ladder.load(None)
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    burner = multiprocessing.get_context("spawn").Process(target=_burn, args=(cores[:1],), daemon=True)
    burner.start()
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[-1:])
    found: Facts = {}
    for level in (0, len(ladder.levels) // 2, len(ladder.levels) - 1):
        with StreamingSeparator(ladder, level, CHUNK_MS) as stream:
            chunks = demo("mixture", ladder.sample_rate, seconds).reshape(-1, stream.chunk)
            for chunk in chunks[:50]:
                stream.step(chunk)
            quiet_collector()
            times: list[float] = []
            started = time.perf_counter()
            for index, chunk in enumerate(chunks):
                time.sleep(max(0.0, started + index * CHUNK_MS / 1000 - time.perf_counter()))
                times += _timed(stream, chunk[None])
            found[f"level {level}"] = {"computed_by": f"{stream.backend} {stream.precision}", **_summary(times)}
    burner.kill()
    return {"seconds_each": seconds, **found}


def pace(chunks: int = 300) -> Facts:
    """Median times in milliseconds after busy waits, of a chunk and of a sum over 512 KiB.

    A busy wait touches no memory and keeps the core. If a chunk takes longer after it, other programs on the machine
    have evicted its data from the caches.
    """
    ladder = Ladder.load(None)
    found: Facts = {}
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    memory = np.zeros(1 << 17, np.float32)
    for level in (0, len(ladder.levels) // 2, len(ladder.levels) - 1):
        with StreamingSeparator(ladder, level, CHUNK_MS) as stream:
            signal = np.resize(demo("mixture", ladder.sample_rate, 10.0), (chunks, stream.chunk))
            stream.step(signal[0])
            quiet_collector()
            found[f"level {level}, {stream.backend} {stream.precision}"] = {
                f"after {wait:g} ms": _median_after(wait, stream.step, signal) for wait in WAITS_MS
            }
    found["sum over 512 KiB"] = {
        f"after {wait:g} ms": _median_after(wait, np.sum, [memory] * chunks) for wait in WAITS_MS
    }
    return found


def _median_after(
    wait_ms: float, work: Callable[[NDArray[np.float32]], object], pieces: Iterable[NDArray[np.float32]]
) -> float:
    times: list[float] = []
    clock = time.perf_counter
    for piece in pieces:
        started = clock()
        while (now := clock()) < started + wait_ms / 1000:
            pass
        work(piece)
        times.append(1000 * (clock() - now))
    return float(np.median(times))


_STARTUP = """
import json, os, signal, sys, time
started = float(sys.argv[1])
from app.engine.process import EngineProcess
from app.engine.protocol import Settings
from app.ui.engine_link import RUNNING
from app.ui.main import prepared_application
from app.ui.settings import Preferences
from app.ui.window import MainWindow
application = prepared_application()
window = MainWindow(EngineProcess(Settings("demo", "none")), Preferences())
window.show()
application.processEvents()
found = {"window_seconds": time.time() - started}
window.start()
engine = window.link._engine

def separated():
    while not (window.link.state == RUNNING and engine.telemetry.counters["chunks"] > 0):
        application.processEvents()
        time.sleep(0.002)
    return time.time()

found["first_separated_chunk_seconds"] = separated() - started
end = time.time() + 5
while time.time() < end:
    application.processEvents()
    time.sleep(0.002)
found["engine_mib"] = engine.telemetry.counters["rss_bytes"] / 2**20
killed, before = time.time(), engine.pid
os.kill(before, signal.SIGKILL)
while engine.pid == before:
    application.processEvents()
    time.sleep(0.002)
found["back_after_a_kill_seconds"] = separated() - killed
window.close()
print(json.dumps(found))
"""


def startup() -> Facts:
    """Times since the start of Python, with levels that an earlier run has converted."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    for _ in range(2):  # the first run fills the disk cache
        child = subprocess.run(
            [sys.executable, "-c", _STARTUP, str(time.time())],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
    found: Facts = json.loads(child.stdout)
    return found


def _burn(cores: list[int]) -> None:
    """Compute matrix products without end on the given cores."""
    if cores:
        os.sched_setaffinity(0, cores)
    matrix = np.random.default_rng(0).standard_normal((256, 256)).astype(np.float32)
    while True:
        matrix = matrix @ matrix
        matrix /= np.abs(matrix).max()


def _timed(stream: StreamingSeparator, chunks: NDArray[np.float32]) -> list[float]:
    times: list[float] = []
    clock = time.perf_counter
    for chunk in chunks:
        started = clock()
        stream.step(chunk)
        times.append(1000 * (clock() - started))
        stream.settle()  # as the live engine does after it has delivered a chunk
    return times


def _summary(times: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(times, (50, 99)).tolist()
    return {
        "p50_ms": p50,
        "p99_ms": p99,
        "max_ms": max(times),
        "p99_over_p50": p99 / p50,
        "late_chunks": sum(value > CHUNK_MS for value in times),
    }


def main() -> None:
    checks: dict[str, Callable[[], Facts]] = {
        "agreement": agreement,
        "content": content,
        "loaded": loaded,
        "pace": pace,
        "startup": startup,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"one of {', '.join(checks)} (default: all)")
    names: list[str] = parser.parse_args().checks
    if unknown := set(names) - set(checks):
        parser.error(f"{unknown.pop()!r} is not a check: expected {', '.join(checks)}")
    for name in names or checks:
        report: Facts = read_json(RESULT) if RESULT.is_file() else {}
        report |= {"machine": machine(), name: {"load": load(), **checks[name]()}}
        RESULT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        print(json.dumps({name: report[name]}, indent=2))


if __name__ == "__main__":
    run_script(main)
