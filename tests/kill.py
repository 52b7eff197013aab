"""Kill programs that write at random moments and check what is on the disk: ``python -m tests.kill --kills 200``."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from app.ui.settings import load_preferences
from sepprune.streaming import Ladder, cache

#: each program prints a line when it starts to write, and then writes until it is killed
_LADDER = """
import sys, itertools
from pathlib import Path
from tests.streaming.ladders import SETTINGS, random_weights
from sepprune.streaming import LevelRecord, write_ladder
weights = random_weights("skim")
print("ready", flush=True)
for number in itertools.count():
    levels = [LevelRecord("skim", SETTINGS["skim"], None, weights, {"macs_per_second": 1.0})] * (1 + number % 3)
    write_ladder(sys.argv[1] + "/ladder", f"ladder with {len(levels)}", levels)
"""
_RECORDING = """
import sys
import numpy as np
from app.engine import recorder
recorder.FLUSH_S = 0.01
recording = recorder.Recorder(sys.argv[1], 16_000, {}, lambda event: None, sys.argv[2])
print("ready", flush=True)
signals = np.tile(np.linspace(-1, 1, 128, dtype=np.float32), (3, 1))
while True:
    recording.put(signals, 0, 0.0, 0.001, 0)
"""
_SETTINGS = """
import sys, itertools
from pathlib import Path
from app.ui.settings import Preferences, save_preferences
print("ready", flush=True)
for number in itertools.count():
    save_preferences(Preferences(recordings="x" * (number % 1000)), Path(sys.argv[1]) / "live.json")
"""
_CACHE = """
import os, sys, itertools
os.environ["SEPPRUNE_CACHE"] = sys.argv[1]
from sepprune.streaming.cache import cached, forget
print("ready", flush=True)
for number in itertools.count():
    cached("key", lambda folder: (folder / "model").write_bytes(bytes([number % 256]) * 100_000))
    forget("key")
"""


@dataclass(frozen=True)
class Target:
    """A program that is killed.

    Args:
        name: for the report.
        program: Python source; its first argument is a folder, and it writes there.
        check: raises if what the folder holds is not whole.
        arguments: further ones.
    """

    name: str
    program: str
    check: Callable[[Path], None]
    arguments: tuple[str, ...] = ()


def check_ladder(folder: Path) -> None:
    """The ladder is a whole one: its name says how many levels it has, and all of them can be read."""
    if (folder / "ladder").exists():
        ladder = Ladder.load(folder / "ladder")
        assert ladder.name == f"ladder with {len(ladder.levels)}"
        for level in ladder.levels:
            level.arrays()
        names = {path.name for path in (folder / "ladder").iterdir()}
        assert names == {"ladder.json", *(level.weights for level in ladder.levels)}


def check_recording(folder: Path) -> None:
    """Every WAV file can be read and holds what was recorded."""
    for recording in folder.iterdir():
        for path in recording.glob("*.wav"):
            samples, rate = soundfile.read(path, dtype="float32")
            assert rate == 16_000 and len(samples) % 128 == 0
            chunks = samples.reshape(-1, 128)
            spoken = chunks[chunks.any(axis=1)]  # chunks that the queue had no room for are silence
            assert (spoken == np.linspace(-1, 1, 128, dtype=np.float32)).all()
        if (recording / "session.json").is_file():
            json.loads((recording / "session.json").read_text())


def check_settings(folder: Path) -> None:
    """The settings are as one of the writes left them."""
    preferences, problem = load_preferences(folder / "live.json")
    assert problem is None and set(preferences.recordings) <= {"x"}


def check_cache(folder: Path) -> None:
    """The entry is found complete, or not at all."""
    found = cache._read(folder / "key")
    assert found is None or (len(found["model"]) == 100_000 and len(set(found["model"])) == 1)


TARGETS = (
    Target("ladder", _LADDER, check_ladder),
    Target("recording, wav", _RECORDING, check_recording, ("wav",)),
    Target("recording, flac", _RECORDING, check_recording, ("flac",)),
    Target("settings", _SETTINGS, check_settings),
    Target("cache", _CACHE, check_cache),
)


def kill_once(target: Target, folder: Path, seed: int) -> None:
    """Kill a program at a random moment, up to 0.2 s after it has begun to write, and check what it left."""
    command = [sys.executable, "-c", target.program, str(folder), *target.arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    time.sleep(random.Random(seed).random() * 0.2)
    process.kill()
    process.stdout.close()
    process.wait()
    target.check(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    args = parser.parse_args()
    failures: dict[str, list[str]] = {target.name: [] for target in TARGETS}
    each = -(-args.kills // len(TARGETS))
    for target in TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(each):
                try:
                    kill_once(target, Path(folder), args.seed + number)
                except Exception as error:
                    failures[target.name].append(f"seed {args.seed + number}: {type(error).__name__}: {error}")
        print(f"{target.name}: {each} kills, {len(failures[target.name])} with something lost or damaged", flush=True)
        print("".join(f"  {line}\n" for line in failures[target.name]), end="")
    return int(any(failures.values()))


if __name__ == "__main__":
    sys.exit(main())
