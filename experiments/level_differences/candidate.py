"""Makes a copy of a ladder in which one level has other weights, or the mean of several.

    python -m experiments.level_differences.candidate runs/new 4 runs/b/level-4/best.safetensors
    python -m experiments.level_differences.candidate runs/mean 4 runs/b/level-4/best.safetensors=2 \
        assets/ladder/level-4.safetensors

The first argument is the copy; if it exists already, the level is replaced there, so one copy can have several new
levels. ``=2`` gives weights twice the share of others. The mean of weights that were trained on from the same weights
is often better than each of them. ``experiments.level_differences.compare`` scores the copy.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from sepprune.files import reason, write_whole
from sepprune.resources import asset
from sepprune.rounding import rounded, widened
from sepprune.streaming.ladder import INDEX

from ..common import run_script

#: bits of a stored weight, as ``bits`` of ``configs/ladder.toml``
BITS = 6


def mean_of(weights: list[tuple[Path, float]]) -> dict[str, Tensor]:
    """Mean of weights with the same names and shapes, each file with its share."""
    total = sum(share for _, share in weights)
    states = [(widened(load_file(path)), share / total) for path, share in weights]
    return {
        name: sum((state[name] * share for state, share in states[1:]), value * states[0][1])
        if value.is_floating_point()
        else value
        for name, value in states[0][0].items()
    }


def _shapes(path: Path) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in widened(load_file(path)).items()}


def _weights(text: str) -> tuple[Path, float]:
    path, _, share = text.partition("=")
    try:
        number = float(share or 1.0)
    except ValueError:
        number = math.nan
    if not 0.0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"the share {share} of {path} is no number above 0")
    return Path(path), number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ladder", type=Path, metavar="COPY")
    parser.add_argument("level", type=int)
    parser.add_argument("weights", nargs="+", type=_weights, metavar="FILE[=SHARE]")
    args = parser.parse_args()
    for path, _ in args.weights:
        if not path.is_file():
            parser.error(f"there are no weights {path}: give a safetensors file")
    bundled = asset("ladder")
    if args.ladder.exists() and args.ladder.samefile(bundled):
        parser.error(f"{args.ladder} is the bundled ladder: give a new folder for the copy")
    source = args.ladder if args.ladder.exists() else bundled
    if not (source / INDEX).is_file():
        parser.error(f"{source} is no ladder: give a new folder, or a copy that this command has made")
    content = json.loads((source / INDEX).read_text(encoding="utf-8"))
    if not 0 <= args.level < len(content["levels"]):
        parser.error(f"the ladder has no level {args.level}: choose 0 to {len(content['levels']) - 1}")
    level = content["levels"][args.level]
    shapes = _shapes(source / level["weights"])
    for path, _ in args.weights:
        try:
            same = _shapes(path) == shapes
        except SafetensorError as error:
            parser.error(f"{path} is no safetensors file ({error})")
        if not same:
            parser.error(f"{path} has other weights than level {args.level}: give weights of that level")
    stored = rounded(mean_of(args.weights), BITS)
    if not all(value.isfinite().all() for value in stored.values()):
        parser.error("the new weights are infinite or NaN, or too large for half precision: give other weights")
    packed = save(stored)
    level["sha256"] = hashlib.sha256(packed).hexdigest()
    try:
        if source != args.ladder:
            args.ladder.mkdir(parents=True)
            for file in source.iterdir():
                write_whole(args.ladder / file.name, file.read_bytes(), durable=False)
        write_whole(args.ladder / level["weights"], packed)
        write_whole(args.ladder / INDEX, (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        if source != args.ladder:
            shutil.rmtree(args.ladder, ignore_errors=True)
        parser.error(f"cannot write {args.ladder}: {reason(error)}")
    print(f"{args.ladder}: level {args.level} has new weights; compare {args.ladder}:{args.level} with other levels")


if __name__ == "__main__":
    run_script(main)
