"""Kill sessions at random moments and check what is on the disk: ``python -m tests.study.kills --kills 200``."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sepprune.study.archive import Study
from sepprune.study.design import ABX
from sepprune.study.results import read_result
from sepprune.study.session import draw_order, resume_session
from tests.study.studies import small_study

#: answers as fast as the disk takes them and prints each one that the session has confirmed
_LISTENER = """
import sys
from pathlib import Path
from sepprune.study.archive import read_study
from sepprune.study.session import start_session
session = start_session(read_study(Path(sys.argv[1])), Path(sys.argv[2]), "L1", seed=int(sys.argv[3]))
print("started", flush=True)
while (trial := session.trial()) is not None:
    session.answer("A", plays={label: 1 for label in trial.labels})
    print(len(session.answers), flush=True)
"""


def kill_once(study: Study, folder: Path, seed: int) -> int:
    """Kill one session at a random moment; returns how many answers were on the disk.

    Raises:
        AssertionError: a confirmed answer is lost, more than one is unconfirmed, or the order has changed.
    """
    chance = random.Random(seed)
    arguments = [sys.executable, "-c", _LISTENER, str(study.path), str(folder), str(seed)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    confirmed, last = 0, chance.randrange(0, 40)
    for line in process.stdout:
        confirmed = 0 if line.strip() == "started" else int(line)
        if confirmed >= last:
            break
    time.sleep(chance.random() * 0.003)  # the moment within an answer; every moment must be safe
    process.kill()
    for line in process.stdout:  # what was confirmed before the kill arrived
        confirmed = int(line)
    process.stdout.close()
    process.wait()
    files = list(folder.glob("session-*"))
    assert len(files) == 1, f"expected one result file, found {files}"
    result = read_result(files[0])
    assert confirmed <= len(result.answers) <= confirmed + 1, f"{confirmed} confirmed, {len(result.answers)} stored"
    assert result.order == draw_order(study, seed), "the order has changed"
    resumed = resume_session(study, files[0])
    assert len(resumed.answers) == len(result.answers)
    return len(result.answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    kills = parser.parse_args().kills
    with tempfile.TemporaryDirectory() as folder:
        study = small_study(Path(folder), ABX)
        stored = [kill_once(study, Path(folder) / str(seed), seed) for seed in range(kills)]
    print(f"{kills} kills, after {min(stored)} to {max(stored)} answers: no confirmed answer lost, no order changed")


if __name__ == "__main__":
    main()
