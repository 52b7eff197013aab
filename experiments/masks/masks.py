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

from sepprune.losses import ordered_snr_loss
from sepprune.pruning import Learning, prepare, prune
from sepprune.pruning.objective import freeze
from sepprune.streaming import Ladder
from sepprune.training.batches import ordered_batches, training_batches, validation_mixtures
from sepprune.training.mixtures import MixtureSettings
from sepprune.training.settings import TrainingSettings
from sepprune.training.validation import si_sdr_improvement

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
    settings = TrainingSettings(out="", data=data, mixtures=MixtureSettings(batch=2), validation_mixtures=24)
    validation = validation_mixtures(settings)["clean"]
    dense = freeze(Ladder.load(None)[0].build())
    scores["dense"] = round(si_sdr_improvement(dense, *validation), 3)
    prepared = prepare(dense, batch=training_batches(settings)[0])
    for name in names or VARIANTS:
        options = {"loss": ordered_snr_loss, "steps": MASK_STEPS} | VARIANTS[name]
        pruned = prune(prepared, macs=KEPT, data=ordered_batches(settings, dense, 1_000), **options)
        kept = {group["id"]: group["kept"] for group in pruned.report["groups"]}
        scores[name] = {"si_sdri": round(si_sdr_improvement(pruned.model, *validation), 3), "kept": kept}
        print(name, scores[name], flush=True)
        result.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
