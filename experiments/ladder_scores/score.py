"""Scores levels of the bundled ladder under all test conditions and stores the results wherever they are shown.

    python -m experiments.ladder_scores.score DATA --levels 1,2 [--jobs 2]

For new weights of a level. DATA is a data folder with ``test/``; the conditions ``far`` and ``telephone`` are made from
it first, in a temporary folder. Every condition is one run of ``sepprune evaluate``. The rows of the chosen levels are
replaced in ``test-CONDITION.json`` of this folder, their SI-SDRi in the ladder, then the tables are written.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from sepprune.commands.options import chosen_levels
from sepprune.streaming import Ladder
from sepprune.streaming.ladder_writer import store_scores

from ..common import ROOT, read_json, run_script, write_json
from ..tables import LIVE_CONDITIONS, SCORES

#: conditions that the ladder itself does not show: one voice, and files of a minute
OTHER_CONDITIONS = ("single", "long")
#: of the condition ``quiet``
QUIET_DB = -30


def evaluated(condition: str, data: Path, made: Path, levels: str) -> dict[str, Any]:
    """The result of ``sepprune evaluate`` for one condition, without the scores of single files.

    Args:
        condition: one of :data:`~experiments.tables.LIVE_CONDITIONS` and :data:`OTHER_CONDITIONS`.
        data: data folder.
        made: folder with ``far`` and ``telephone``.
        levels: as in ``--levels``.
    """
    folders = {"far": made / "far", "telephone": made / "telephone", "quiet": data / "test" / "clean"}
    mixtures = folders.get(condition, data / "test" / condition)
    gain = [f"--gain-db={QUIET_DB}"] if condition == "quiet" else []
    file = made / f"{condition}.json"
    _run("sepprune", "evaluate", "--data", str(mixtures), "--levels", levels, *gain, "--json", str(file))
    result: dict[str, Any] = read_json(file)
    for row in result["levels"]:
        row.pop("per_file", None)
    return result


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """An earlier result of all levels with the rows of newly scored ones."""
    rows = {row["level"]: row for row in new["levels"]}
    return {**old, "levels": [rows.get(row["level"], row) for row in old["levels"]]}


def _run(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--levels", default=",".join(map(str, range(8))), help="for example 1,2 (default: all)")
    parser.add_argument("--jobs", type=int, default=1, help="conditions that are scored side by side (default: 1)")
    args = parser.parse_args(given)
    ladder, conditions = Ladder.load(), (*LIVE_CONDITIONS, *OTHER_CONDITIONS)
    if not (args.data / "test" / "clean").is_dir():
        parser.error(f"{args.data} has no test/clean: give a data folder with the test mixtures")
    if args.jobs < 1:
        parser.error(f"--jobs {args.jobs} is not possible: give 1 or more")
    chosen_levels(args.levels, ladder)  # a wrong one is told before anything is made
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(args.jobs) as pool:
        data, made = args.data.resolve(), Path(folder)
        _run("experiments.conditions.conditions", str(data), str(made))
        results = pool.map(lambda condition: evaluated(condition, data, made, args.levels), conditions)
        for condition, result in track(
            zip(conditions, results, strict=True), "scoring", len(conditions), console=Console(stderr=True)
        ):
            stored = SCORES / f"test-{condition}.json"
            write_json(stored, merged(read_json(stored), result))
            if condition in LIVE_CONDITIONS:
                store_scores(ladder, condition, {row["level"]: row["si_sdri"] for row in result["levels"]})
    _run("experiments.tables")


if __name__ == "__main__":
    run_script(main)
