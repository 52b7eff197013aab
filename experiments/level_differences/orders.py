"""How often a switch between two levels exchanges the voices.

    python -m experiments.level_differences.orders DATA assets/ladder:0 assets/ladder:4 [...] [--json FILE]

Every level separates the same ``--count`` clean pairs of validation and as many of training speakers, and as many
voices that speak alone. Its outputs have another order than those of the first level where they resemble them more
after an exchange.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from sepprune.data.collection import Collection
from sepprune.losses import best_order, pairwise_snr
from sepprune.training.mixtures import Mixtures, MixtureSettings
from sepprune.training.sounds import load_sounds

from ..common import run_script, write_json
from .compare import SPLITS, check_arguments, level_name
from .lone_voices import MIXTURES as ALONE
from .lone_voices import outputs

PAIRS = MixtureSettings(seconds=8.0, partial_overlap=0.0, speed=1e-6, level_db=(-25.0, -25.0))
SEED = 11


@dataclass(frozen=True)
class Row:
    """Orders of one level.

    Args:
        level: ``FOLDER:NUMBER``.
        pairs, voices: mixtures of two voices and of one.
        pairs_exchanged, voices_exchanged: of these, mixtures with another order than at the first level.
    """

    level: str
    pairs: int
    pairs_exchanged: int
    voices: int
    voices_exchanged: int


def exchanged(estimates: Tensor, first: Tensor) -> int:
    """Mixtures whose two estimates resemble those of the first level more after an exchange."""
    order, _ = best_order(pairwise_snr(estimates, first))
    return int((order[:, 0] != 0).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder of recordings")
    parser.add_argument("levels", nargs="+", type=level_name, metavar="FOLDER:LEVEL", help="level of a ladder")
    parser.add_argument("--count", type=int, default=128, help="mixtures of each kind (default: 128)")
    parser.add_argument("--json", type=Path, help="file for the result")
    args = parser.parse_args()
    check_arguments(args.levels, args.count, args.json)
    if len(args.levels) < 2:
        parser.error("give two levels or more: the others are compared with the first one")
    torch.set_num_threads(1)
    collection = Collection(args.data)
    sets = []
    for settings in (replace(PAIRS, batch=args.count), replace(ALONE, batch=args.count)):
        parts = [Mixtures(settings, load_sounds(collection, split, settings), 1, SEED)[0][0] for split in SPLITS]
        sets.append(torch.cat(parts))
    first = [outputs(args.levels[0], mixtures) for mixtures in sets]
    rows = []
    for level in track(args.levels[1:], "separating", console=Console(stderr=True)):
        pairs, voices = (
            exchanged(outputs(level, mixtures), before) for mixtures, before in zip(sets, first, strict=True)
        )
        rows.append(Row(level, len(sets[0]), pairs, len(sets[1]), voices))
    table = Table(*Row.__dataclass_fields__)
    for row in rows:
        table.add_row(*map(str, asdict(row).values()))
    Console(width=200).print(table)
    if args.json:
        write_json(args.json, {"first": args.levels[0], "levels": [asdict(row) for row in rows]})


if __name__ == "__main__":
    run_script(main)
