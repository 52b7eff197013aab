"""Compares levels mixture by mixture: paired differences to the first one with their 95 % intervals.

    python -m experiments.level_differences.compare DATA assets/ladder:0 runs/ladder:0 [...] [--count 192] [--json FILE]

Every level is scored on fully overlapped mixtures of validation and of training speakers: clean, with noise, in rooms,
and in rooms with moved talkers (``--count`` of each). The score of a run on its own validation mixtures is the highest
of many validations and therefore too high; scores on these mixtures are not selected. A separator that does not
overfit is as good with training speakers as with others, so they help to resolve small differences.

Beside them, ``--turns`` longer clean mixtures of validation speakers who take turns: there, following who is who
counts. They are not part of the difference, but have their own.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sepprune.arguments import check_number
from sepprune.data.collection import Collection
from sepprune.files import check_destination
from sepprune.separators import CausalSeparator
from sepprune.streaming import Ladder
from sepprune.training.mixtures import Mixtures, MixtureSettings
from sepprune.training.sounds import load_sounds
from sepprune.training.validation import MixtureSet, si_sdr_improvements, validation_sets

from ..common import mean_difference, run_script, write_json

#: settings that switch all conditions on
MIXTURES = MixtureSettings(noise=1.0, room=1.0, moved=1.0)
SPLITS = ("valid", "train")
#: mixtures in which the voices take turns
TURNS = MixtureSettings(seconds=25.6, turns=1.0, partial_overlap=0.0, speed=1e-6, level_db=(-25.0, -25.0))
TURNS_SEED = 20_261_201
#: all waveforms are held in memory: so many of each of the eight kinds are 6.3 GB, so many with turns 5 GB more
MOST_MIXTURES = 1024


@dataclass(frozen=True)
class Row:
    """Scores of one level in dB.

    Args:
        level: ``FOLDER:NUMBER``.
        si_sdri: mean improvement by speakers and condition.
        difference: mean difference to the first level, without the mixtures with turns.
        interval: half of the 95 % interval of the difference.
        turns: mean improvement where the voices take turns.
        turns_difference: mean difference to the first level there.
        turns_interval: half of its 95 % interval.
    """

    level: str
    si_sdri: dict[str, float]
    difference: float
    interval: float
    turns: float
    turns_difference: float
    turns_interval: float


def level_name(text: str) -> str:
    """``FOLDER:NUMBER``, as an argument of a command."""
    if not re.fullmatch(r".+:\d+", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a level of a ladder: expected FOLDER:NUMBER, such as assets/ladder:0"
        )
    return text


def built(level: str) -> CausalSeparator:
    """The separator of a level that is given as ``FOLDER:NUMBER``."""
    folder, _, number = level.rpartition(":")
    return Ladder.load(folder).build(int(number))


def check_arguments(levels: Sequence[str], count: int, result: Path | None) -> None:
    """Refuse levels that do not exist, too many mixtures and a result that cannot be written, before the work."""
    check_number("--count", count, 1, MOST_MIXTURES)
    if result is not None:
        check_destination("--json", str(result))
    for level in levels:
        built(level)


def score(level: str, sets: dict[str, MixtureSet]) -> dict[str, torch.Tensor]:
    """SI-SDRi of every mixture in dB, by speakers and condition, of a level given as ``FOLDER:NUMBER``."""
    separator = built(level)
    return {name: si_sdr_improvements(separator, *mixtures) for name, mixtures in sets.items()}


def summary(level: str, scores: dict[str, torch.Tensor], first: dict[str, torch.Tensor]) -> Row:
    """Mean of every condition, and the mean difference to the first level.

    A mixture has the same voices under all conditions, so its scores are not independent: they are averaged first.
    """
    gains = {name: scores[name] - first[name] for name in scores}
    difference, interval = mean_difference(
        torch.cat(
            [torch.stack([gain for name, gain in gains.items() if name.startswith(split)]).mean(0) for split in SPLITS]
        )
    )
    turns = scores["turns"]
    return Row(
        level,
        {name: round(float(values.mean()), 3) for name, values in scores.items() if name != "turns"},
        difference,
        interval,
        round(float(turns.mean()), 3),
        *mean_difference(gains["turns"]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder of recordings")
    parser.add_argument("levels", nargs="+", type=level_name, metavar="FOLDER:LEVEL", help="level of a ladder")
    parser.add_argument("--count", type=int, default=192, help="mixtures of each kind, 1 to 1024 (default: 192)")
    parser.add_argument("--turns", type=int, default=64, help="mixtures with turns, 1 to 1024 (default: 64)")
    parser.add_argument("--json", type=Path, help="file for the result")
    args = parser.parse_args()
    check_arguments(args.levels, args.count, args.json)
    check_number("--turns", args.turns, 1, MOST_MIXTURES)
    torch.set_num_threads(1)
    collection = Collection(args.data)
    sets = {
        f"{split} {name}": mixtures
        for split in SPLITS
        for name, mixtures in validation_sets(collection, MIXTURES, args.count, split).items()
    }
    turns = replace(TURNS, batch=args.turns)
    sets["turns"] = Mixtures(turns, load_sounds(collection, "valid", turns), 1, TURNS_SEED)[0]
    rows: list[Row] = []
    first: dict[str, torch.Tensor] = {}
    for level in track(args.levels, "scoring", console=Console(stderr=True)):
        scores = score(level, sets)
        first = first or scores
        rows.append(summary(level, scores, first))
    table = Table(*["level", *sets, "difference", "with turns"])
    for row in rows:
        table.add_row(
            row.level,
            *[f"{value:.2f}" for value in (*row.si_sdri.values(), row.turns)],
            f"{row.difference:+.2f} ± {row.interval:.2f}",
            f"{row.turns_difference:+.2f} ± {row.turns_interval:.2f}",
        )
    Console(width=200).print(table)
    if args.json:
        write_json(
            args.json, {"mixtures_each": args.count, "turns": args.turns, "levels": [asdict(row) for row in rows]}
        )


if __name__ == "__main__":
    run_script(main)
