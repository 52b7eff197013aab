"""Which of several levels is better, on enough mixtures to tell: paired differences with their 95 % intervals.

    python docs/training/compare.py DATA assets/ladder:0 runs/ladder:0 [...] [--count 192] [--json FILE]

Every level is scored on fully overlapped mixtures of validation and of training speakers, clean, with noise, in rooms
and in rooms whose talkers are moved (``--count`` of each). Differences are to the first one, mixture by mixture. Scores
on the few mixtures that a run is validated on are the highest of many looks; on these they are not, and since a
separator that does not overfit is as good with speakers it knows, those may help to tell small differences.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sepprune.data.corpus import Collection
from sepprune.streaming import Ladder
from sepprune.training.mixtures import MixtureSettings
from sepprune.training.validation import MixtureSet, si_sdr_improvements, validation_sets

#: what decides which conditions there are
MIXTURES = MixtureSettings(noise=1.0, room=1.0, moved=1.0)
SPLITS = ("valid", "train")


def score(level: str, sets: dict[str, MixtureSet]) -> dict[str, torch.Tensor]:
    """Improvements of a level, ``FOLDER:NUMBER``, by speakers and condition."""
    folder, _, number = level.rpartition(":")
    separator = Ladder.load(folder).build(int(number))
    return {name: si_sdr_improvements(separator, *mixtures) for name, mixtures in sets.items()}


def summary(level: str, scores: dict[str, torch.Tensor], first: dict[str, torch.Tensor]) -> dict[str, object]:
    """Mean of every condition, and the mean difference to the first level with half of its 95 % interval.

    A mixture has the same voices under all conditions, which are not independent: they are averaged first.
    """
    gains = {name: scores[name] - first[name] for name in scores}
    differences = torch.cat(
        [torch.stack([gain for name, gain in gains.items() if name.startswith(split)]).mean(0) for split in SPLITS]
    )
    return {
        "level": level,
        "si_sdri": {name: round(float(values.mean()), 3) for name, values in scores.items()},
        "difference": round(float(differences.mean()), 3),
        "interval": round(1.96 * float(differences.std()) / math.sqrt(len(differences)), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("levels", nargs="+", metavar="FOLDER:LEVEL")
    parser.add_argument("--count", type=int, default=192, help="mixtures of each kind (default: 192)")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    for level in args.levels:
        if not re.fullmatch(r".+:\d+", level):
            parser.error(f"{level!r} names no level of a ladder: give FOLDER:NUMBER, such as assets/ladder:0")
    torch.set_num_threads(1)
    sets = {
        f"{split} {name}": mixtures
        for split in SPLITS
        for name, mixtures in validation_sets(Collection(args.data), MIXTURES, args.count, split).items()
    }
    rows, first = [], None
    for level in track(args.levels, "scoring", console=Console(stderr=True)):
        scores = score(level, sets)
        first = first or scores
        rows.append(summary(level, scores, first))
    table = Table(*["level", *sets, "difference"])
    for row in rows:
        table.add_row(
            row["level"],
            *[f"{value:.2f}" for value in row["si_sdri"].values()],
            f"{row['difference']:+.2f} ± {row['interval']:.2f}",
        )
    Console(width=160).print(table)
    if args.json:
        args.json.write_text(json.dumps({"mixtures_each": args.count, "levels": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
