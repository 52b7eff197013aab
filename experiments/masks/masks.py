"""Compares ways to learn or choose masks, and writes masks.json beside this file.

    python -m experiments.masks.masks DATA [VARIANT ...]

Prunes the dense level of the bundled ladder to 40 % of its multiply-adds in several ways and scores each before any
fine-tuning. Scores of variants that are not named stay in the file.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch

from sepprune.losses import ordered_snr_loss
from sepprune.pruning import Learning, prepare, prune
from sepprune.pruning.objective import Loss, freeze
from sepprune.streaming import Ladder
from sepprune.training.batches import ordered_batches, training_batches, validation_mixtures
from sepprune.training.mixtures import MixtureSettings
from sepprune.training.settings import TrainingSettings
from sepprune.training.validation import si_sdr_improvement

from ..common import read_json, run_script, write_json


@dataclass(frozen=True)
class Variant:
    """A way to choose masks; the fields are arguments of :func:`sepprune.prune`."""

    method: str = "sepprune"
    loss: Loss | str = ordered_snr_loss
    steps: int = 100
    learning: Learning | None = None


VARIANTS = {
    "l2": Variant("l2"),
    "taylor": Variant("taylor"),
    "sepprune": Variant(),
    "sepprune, equal logits at the start": Variant(learning=Learning(start="equal")),
    "sepprune, the dense output as target": Variant(loss="teacher"),
    "sepprune, 300 batches": Variant(steps=300),
}
#: share of the multiply-adds that is kept
KEPT = 0.4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder of recordings")
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help="; ".join(VARIANTS))
    args = parser.parse_args()
    if unknown := set(args.variants) - set(VARIANTS):
        parser.error(f"{unknown.pop()!r} is not a variant: expected {'; '.join(VARIANTS)}")
    run(args.data, args.variants or list(VARIANTS))


def run(data: str, names: list[str]) -> None:
    """Prune and score the variants of these names, and store each result at once."""
    torch.set_num_threads(1)
    result = Path(__file__).with_suffix(".json")
    scores: dict[str, object] = read_json(result) if result.is_file() else {}
    settings = TrainingSettings(out="", data=data, mixtures=MixtureSettings(batch=2), validation_mixtures=24)
    validation = validation_mixtures(settings)["clean"]
    dense = freeze(Ladder.load(None).build(0))
    scores["dense"] = round(si_sdr_improvement(dense, *validation), 3)
    prepared = prepare(dense, batch=training_batches(settings)[0])
    for name in names:
        variant = VARIANTS[name]
        pruned = prune(
            prepared,
            macs=KEPT,
            method=variant.method,
            loss=variant.loss,
            steps=variant.steps,
            learning=variant.learning,
            data=ordered_batches(settings, dense, 1_000),
        )
        kept = {group["id"]: group["kept"] for group in pruned.report["groups"]}
        scores[name] = {"si_sdri": round(si_sdr_improvement(pruned.model, *validation), 3), "kept": kept}
        print(name, scores[name], flush=True)
        write_json(result, scores)


if __name__ == "__main__":
    run_script(main)
