"""Use the window for an hour of real time between virtual devices: ``python -m tests.soak_window --minutes 60``.

The demo mixture plays into a virtual microphone of a private PulseAudio server (Linux, see tests/audio). The window, on
Qt's platform "offscreen", separates it and plays to a virtual loudspeaker. Meanwhile it is used: levels, views, colours
and presentation change, and recordings begin and end. The program must lose no sound, the window must answer, and after
a while memory, open files and threads must not grow. Leave the machine alone meanwhile.

A virtual machine whose host does not let it run loses sound, whatever the program does. ``tests.stalls`` sees when that
happens. Lost sound is counted against the program only where no processor had stopped. ``--awake`` keeps the processors
from sleeping, since a host is slow to wake them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from PyQt6.QtCore import QTimer

from app.engine.commands import StartRecording
from app.engine.controls import ROUTINGS
from app.engine.device_settings import RATE_VARIABLE
from app.engine.process import EngineProcess
from app.engine.protocol import Settings
from app.ui.main import prepared_application
from app.ui.settings import Preferences
from app.ui.theme import COLOURS
from app.ui.views.tracks import VIEWS
from app.ui.window import MainWindow
from sepprune.resources import asset
from sepprune.streaming.machine import load, machine
from tests.audio.virtual_audio import VirtualAudio
from tests.soak import end
from tests.stalls import StallWatch, kept_awake

ROOT = Path(__file__).resolve().parents[1]
RATE, DEVICE_RATE = 16_000, 48_000

#: bytes by which the memory of a process may grow, and seconds for which the window may not answer
MOST_GROWTH, LONGEST_FREEZE_S = 30_000_000, 2.0

#: counters of sound that the program loses; seconds that a stall of the machine may be older than a loss, and chunks
#: before it that are looked at
LOSSES, STALL_BEFORE_S, LATEST_CHUNKS = ("ring_underruns", "ring_overruns"), 0.3, 32

#: milliseconds between two looks at the clock, and counters of the engine that are reported
LOOK_MS = 50
COUNTERS = (
    "chunks",
    "switches",
    "ring_underruns",
    "ring_overruns",
    "input_overflows",
    "output_underflows",
    "stalls",
    "deadline_misses",
    "cushion_chunks",
    "fallbacks",
    "drift_samples",
)


def used(process: int | None) -> dict[str, int]:
    """Memory in bytes, open files and threads of a process."""
    place = Path(f"/proc/{process}")
    return {
        "memory": int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        "files": len(os.listdir(place / "fd")),
        "threads": len(os.listdir(place / "task")),
    }


class Loss(NamedTuple):
    """Sound that the program lost.

    Args:
        counter: its name.
        count: how often.
        before, after: ``time.perf_counter`` seconds between which it was.
        since_action_s: seconds since the window was used last.
        slowest_chunk_s: longest time from the arrival of a chunk to its end, of the latest :data:`LATEST_CHUNKS`.
    """

    counter: str
    count: int
    before: float
    after: float
    since_action_s: float
    slowest_chunk_s: float


class Use:
    """Uses the window: something happens every ``pause`` seconds.

    Args:
        window: started.
        engine: whose counters are watched.
        folder: for recordings.
        pause: seconds.

    Attributes:
        count: of actions.
        longest_freeze_s: longest time without an answer of the window.
        losses: sound that was lost, see :class:`Loss`.
    """

    def __init__(self, window: MainWindow, engine: EngineProcess, folder: Path, pause: float) -> None:
        self._window, self._engine, self._folder = window, engine, folder
        self.longest_freeze_s, self._looked = 0.0, time.perf_counter()
        self.count = 0
        self.losses: list[Loss] = []
        self._lost = dict.fromkeys(LOSSES, 0)
        self._acted = self._looked
        self._timers = [self._every(1000 * pause, self.act), self._every(LOOK_MS, self._look)]

    def _every(self, milliseconds: float, call: Callable[[], None]) -> QTimer:
        timer = QTimer(self._window)
        timer.timeout.connect(call)
        timer.start(round(milliseconds))
        return timer

    def act(self) -> None:
        """Do the next thing: another level each time, and in turn something else."""
        window, number = self._window, self.count
        self.count, self._acted = number + 1, time.perf_counter()
        window.controller.choose_level((number + number // 8) % 8)  # each round another level for each of the actions
        actions: list[Callable[[], object]] = [
            lambda: window.recordings.start(StartRecording(str(self._folder))),
            window.recordings.toggle,
            lambda: window.set_view(VIEWS[number // 8 % len(VIEWS)]),
            lambda: window.appearance.choose(COLOURS[number // 8 % len(COLOURS)]),
            lambda: window.set_presentation(True),
            lambda: window.set_presentation(False),
            lambda: window.resize(1000 + number % 400, 640 + number % 200),
            lambda: window.controller.change("routing", ROUTINGS[number // 8 % len(ROUTINGS)]),
        ]
        actions[number % len(actions)]()

    def _look(self) -> None:
        now, counters = time.perf_counter(), self._engine.telemetry.counters
        self.longest_freeze_s = max(self.longest_freeze_s, now - self._looked - LOOK_MS / 1000)
        for name in LOSSES:
            if more := int(counters[name]) - self._lost[name]:
                chunks = self._engine.telemetry.frames_since(int(counters["chunks"]) - LATEST_CHUNKS)
                slowest = float((chunks["t_done"] - chunks["t_in"]).max()) if len(chunks) else 0.0
                self.losses.append(Loss(name, more, self._looked, now, now - self._acted, slowest))
                self._lost[name] += more
        self._looked = now


def inside(folder: Path, minutes: float) -> dict[str, Any]:
    """Run the window in this process, whose environment names the virtual devices; returns the figures."""
    application = prepared_application()
    engine = EngineProcess(Settings("ci_mic", "ci_speaker"))
    window = MainWindow(engine, Preferences())
    window.show()
    window.start()
    while window.link.ready is None:
        application.processEvents()
        time.sleep(0.01)
    seconds, rows = 60 * minutes, list[dict[str, dict[str, int]]]()
    use = Use(window, engine, folder, min(20.0, seconds / 24))

    def note() -> None:
        rows.append({"window": used(os.getpid()), "engine": used(engine.pid)})
        now = engine.telemetry.counters
        said = ", ".join(f"{name} {now[name]:.0f}" for name in COUNTERS)
        print(f"{said}, longest freeze {use.longest_freeze_s:.2f} s", file=sys.stderr, flush=True)

    noting, ending = QTimer(window), QTimer(window)
    noting.timeout.connect(note)
    noting.start(round(1000 * seconds / 12))
    ending.setSingleShot(True)
    ending.timeout.connect(noting.stop)  # the engine ends with the window
    ending.timeout.connect(window.close)
    ending.start(round(1000 * seconds) + 500)
    application.exec()
    counters = engine.telemetry.counters
    return {
        "actions": use.count,
        "longest_freeze_s": round(use.longest_freeze_s, 3),
        "losses": use.losses,
        "counters": {name: int(counters[name]) for name in COUNTERS},
        "rows": rows,
    }


def soak(minutes: float, awake: bool = False) -> dict[str, Any]:
    """Devices, window, and the verdict: ``problems`` in words."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        audio = VirtualAudio(folder, DEVICE_RATE)
        try:
            mixture, _ = soundfile.read(asset("demo/mixture.flac"), dtype="float32")
            audio.play(np.resize(mixture, round((60 * minutes + 60) * RATE)), RATE)
            environment = {
                "QT_QPA_PLATFORM": "offscreen",
                RATE_VARIABLE: str(DEVICE_RATE),
                "PYTHONPATH": str(ROOT),
                "PYTHONFAULTHANDLER": "1",  # a crash of Qt says where
            }
            command = [sys.executable, "-m", "tests.soak_window", "--minutes", str(minutes), "--inside", name]
            began = load()
            with kept_awake() if awake else nullcontext(), StallWatch() as watch:
                printed = subprocess.run(
                    command, env=audio.environment | environment, cwd=ROOT, check=True, stdout=subprocess.PIPE
                ).stdout
            found: dict[str, Any] = json.loads(printed)
        finally:
            audio.close()
        recordings = [_seconds(path) for path in sorted(folder.glob("sepprune-*/"))]
    found |= {
        "recordings": recordings,
        "stalls": watch.summary(),
        "losses": explained((Loss(*loss) for loss in found["losses"]), watch),
    }
    return {
        "machine": machine(),
        "load": began,
        "minutes": minutes,
        "awake": awake,
        **found,
        "problems": problems(found),
    }


def explained(losses: Iterable[Loss], watch: StallWatch) -> list[dict[str, Any]]:
    """Each loss of sound with the longest stall of the machine shortly before it; 0 where there was none."""
    return [
        {
            "counter": loss.counter,
            "count": loss.count,
            "stall_s": round(watch.between(loss.before - STALL_BEFORE_S, loss.after), 4),
            "since_action_s": round(loss.since_action_s, 3),
            "slowest_chunk_s": round(loss.slowest_chunk_s, 4),
        }
        for loss in losses
    ]


def problems(found: dict[str, Any]) -> list[str]:
    """What must not happen and has, as sentences."""
    told = []
    for name in LOSSES:
        own = sum(loss["count"] for loss in found["losses"] if loss["counter"] == name and not loss["stall_s"])
        if own:
            told.append(f"{name} is {own} where the machine did not stall")
    if found["longest_freeze_s"] > LONGEST_FREEZE_S:
        told.append(f"the window did not answer for {found['longest_freeze_s']} s")
    settled, last = found["rows"][len(found["rows"]) // 3], found["rows"][-1]
    for process in ("window", "engine"):
        before, after = settled[process], last[process]
        if after["memory"] - before["memory"] > MOST_GROWTH:
            told.append(f"memory of the {process} grew from {before['memory']} to {after['memory']} bytes")
        # a recording has three files and a thread
        told += [
            f"{key} of the {process} grew from {before[key]} to {after[key]}"
            for key, most in (("files", 4), ("threads", 4))
            if after[key] > before[key] + most
        ]
    if not found["recordings"] or None in found["recordings"]:
        told.append(f"recordings are damaged: {found['recordings']}")
    return told


def _seconds(folder: Path) -> float | None:
    """Duration of a recording whose files are equally long, ``None`` of another one."""
    lengths = {soundfile.info(path).duration for path in folder.glob("*.wav")}
    return lengths.pop() if len(lengths) == 1 else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--awake", action="store_true", help="keep the processors from sleeping")
    parser.add_argument("--report", metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--inside", metavar="FOLDER", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        print(json.dumps(inside(Path(args.inside), args.minutes)))
        return 0
    found = soak(args.minutes, args.awake)
    what = f"{found['minutes']:g} minutes, {found['counters']['chunks']} chunks, {found['actions']} actions"
    return end(found, what, args.report)


if __name__ == "__main__":
    sys.exit(main())
