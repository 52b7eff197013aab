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
import safetensors.numpy
import soundfile
import torch

from app.ui.settings import load_preferences
from sepprune.data.collection import Collection
from sepprune.data.sound import read_at_rate
from sepprune.pruning.plan import PruningPlan
from sepprune.streaming import Ladder, cache
from sepprune.study.archive import read_study
from sepprune.study.results import read_result
from sepprune.study.session import resume_session
from tests import kill_programs as programs


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


def check_training(folder: Path) -> None:
    """Checkpoint and best weights can be read, and the log is not ahead of the checkpoint."""
    run = folder / "run"
    if (run / "best.safetensors").exists():
        assert len(safetensors.numpy.load_file(run / "best.safetensors")["w"]) == 50_000
    if not (run / "last.pt").exists():
        assert not (run / "log.csv").exists()
        return
    state = torch.load(run / "last.pt", weights_only=True)
    assert (state["w"] == state["step"]).all()
    if (run / "log.csv").exists():
        hours = [float(line.split(",")[0]) for line in (run / "log.csv").read_text().splitlines()[1:]]
        assert hours == sorted(set(hours)) and hours[-1] <= state["step"]


def check_pruned(folder: Path) -> None:
    """Weights, plan and report belong together."""
    pruned = folder / "pruned"
    if pruned.exists():
        report = json.loads((pruned / "report.json").read_text())
        kept = PruningPlan.load(pruned / "plan.json").groups[0].keep
        weights = safetensors.numpy.load_file(pruned / "model.safetensors")
        assert len(weights["0.weight"]) == len(kept)
        assert sum(value.size for value in weights.values()) == report["params_after"]


def check_pack(folder: Path) -> None:
    """Every recording of the pack can be read."""
    if (folder / "a.pack").exists():
        collection = Collection(folder / "a.pack")
        for recording in collection.recordings("train", "speech"):
            assert len(read_at_rate(collection.read(recording.path), 16_000)) == 8_000


def check_scores(folder: Path) -> None:
    """The ladder can be read, and the scores of its levels come from one moment."""
    if (folder / "ladder").exists():
        assert len({level.si_sdri["clean"] for level in Ladder.load(folder / "ladder").levels}) == 1


def check_answers(folder: Path) -> None:
    """Every session can be read and continued."""
    if (folder / "results").exists():
        study = read_study(folder / "abx.zip")
        for path in (folder / "results").glob("session-*"):
            assert len(resume_session(study, path).answers) == len(read_result(path).answers)


TARGETS = (
    Target("ladder", programs.LADDER, check_ladder),
    Target("recording, wav", programs.RECORDING, check_recording, ("wav",)),
    Target("recording, flac", programs.RECORDING, check_recording, ("flac",)),
    Target("settings", programs.SETTINGS, check_settings),
    Target("cache", programs.CACHE, check_cache),
    Target("training", programs.TRAINING, check_training),
    Target("pruned model", programs.PRUNE, check_pruned),
    Target("pack", programs.PACK, check_pack),
    Target("scores of a ladder", programs.SCORES, check_scores),
    Target("study answers", programs.ANSWERS, check_answers),
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
    names = [target.name for target in TARGETS]
    parser.add_argument("--only", choices=names, help="kill the programs that write this, instead of all in turn")
    parser.add_argument("--report", metavar="FILE", help="write the figures as JSON")
    args = parser.parse_args()
    targets = [target for target in TARGETS if args.only in (None, target.name)]
    failures: dict[str, list[str]] = {target.name: [] for target in targets}
    each = -(-args.kills // len(targets))
    for target in targets:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(each):
                try:
                    kill_once(target, Path(folder), args.seed + number)
                except Exception as error:
                    failures[target.name].append(f"seed {args.seed + number}: {type(error).__name__}: {error}")
        print(f"{target.name}: {each} kills, {len(failures[target.name])} with something lost or damaged", flush=True)
        print("".join(f"  {line}\n" for line in failures[target.name]), end="")
    if args.report:
        rows = [{"target": name, "kills": each, "failures": lines} for name, lines in failures.items()]
        Path(args.report).write_text(json.dumps({"seed": args.seed, "targets": rows}, indent=2) + "\n")
    return int(any(failures.values()))


if __name__ == "__main__":
    sys.exit(main())
