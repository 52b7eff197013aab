"""What mattered when masks are learned: the figures of docs/pruning.md.

    python docs/pruning/masks.py DATA [VARIANT ...]

Prunes the dense level of the ladder that ships to 40 % of its multiply-adds in several ways, scores each before any
fine-tuning, and adds the scores to docs/pruning/masks.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from sepprune.pruning import Learning, prepare, prune
from sepprune.pruning.objective import freeze
from sepprune.streaming import Ladder
from sepprune.training.corpus import Collection
from sepprune.training.losses import ordered_snr_loss, reorder
from sepprune.training.mixtures import Mixtures, MixtureSettings, load_sounds
from sepprune.training.sources import delay_of, sources_of
from sepprune.training.validation import si_sdr_improvement, validation_sets

VARIANTS: dict[str, dict[str, Any]] = {
    "l2": {"method": "l2"},
    "taylor": {"method": "taylor"},
    "sepprune": {"method": "sepprune"},
    "sepprune, equal logits at the start": {"method": "sepprune", "learning": Learning(start="equal")},
    "sepprune, the dense output as target": {"method": "sepprune", "loss": "teacher"},
    "sepprune, 300 batches": {"method": "sepprune", "steps": 300},
}
MASK_STEPS, KEPT = 100, 0.4


def main(data: str, *names: str) -> None:
    torch.set_num_threads(1)
    result = Path(__file__).with_name("masks.json")
    scores = json.loads(result.read_text()) if result.is_file() else {}
    collection = Collection(data)
    validation = validation_sets(collection, MixtureSettings(), 24)["clean"]
    dense = freeze(Ladder.load(None)[0].build())
    scores["dense"] = round(si_sdr_improvement(dense, *validation), 3)
    prepared = prepare(dense, batch=next(batches(collection, dense)))
    for name in names or VARIANTS:
        options = {"loss": ordered_snr_loss, "steps": MASK_STEPS} | VARIANTS[name]
        pruned = prune(prepared, macs=KEPT, data=batches(collection, dense), **options)
        kept = {group["id"]: group["kept"] for group in pruned.report["groups"]}
        scores[name] = {"si_sdri": round(si_sdr_improvement(pruned.model, *validation), 3), "kept": kept}
        print(name, scores[name], flush=True)
        result.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


def batches(collection: Collection, dense: torch.nn.Module) -> Any:
    """Two mixtures of 3.2 s a batch, references in the dense model's order."""
    settings, delay = MixtureSettings(batch=2), delay_of(dense)
    data = Mixtures(settings, load_sounds(collection, "train", settings), 100_000_000, seed=1_000)
    for number in range(len(data)):
        mixture, reference = data[number]
        with torch.no_grad():
            guide = sources_of(dense, mixture, delay)
        reference[..., :guide.shape[-1]] = reorder(reference[..., :guide.shape[-1]], guide)
        yield mixture, reference


if __name__ == "__main__":
    main(*sys.argv[1:])
