"""How far the filterbanks of the ladder that ships have wandered in training, and what levels can still tell from them.

    python docs/training/filterbanks.py DATA

filterbanks.json has, for the dense level, the distance of its encoder from the Fourier transform that it began as, over
the norm of that, and by how many dB the median of its log-magnitude features is higher. For every other level: the
distance of its encoder from the dense one's, and the share of the variance of what arrives at the dense level's first
block that the best linear prediction leaves, from the level's own features and from the dense level's features in the
bins that the level has kept. Predictions are fitted on one half of the validation mixtures and judged on the other.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import torch
from torch import Tensor, nn

from sepprune.ladders.hints import arriving
from sepprune.ladders.make import load_ladder_settings
from sepprune.pruning import PruningPlan
from sepprune.separators import build_separator
from sepprune.separators.layers import LEVEL_SCALE
from sepprune.streaming import Ladder
from sepprune.training.batches import validation_mixtures

HERE = Path(__file__).parent
FEATURES, BLOCK = "bottleneck", "network.0.norm"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    settings = load_ladder_settings(str(HERE.parents[1] / "configs/ladder.toml"), parser.parse_args().data).training
    mixtures = torch.cat([mixture for mixture, _ in validation_mixtures(settings).values()])
    ladder = Ladder.load(None)
    dense, model = ladder[0].build(), ladder[0].model
    began = build_separator(model, **ladder[0].settings)
    seen, wanted = heard(dense, mixtures, FEATURES), heard(dense, mixtures, BLOCK)
    higher = (seen.median() - heard(began, mixtures, FEATURES).median()) / LEVEL_SCALE * 10 / math.log(10)
    rows = [{"level": 0, "encoder_distance": distance(dense, began, None), "median_feature_higher_db": float(higher)}]
    for level in ladder.levels[1:]:
        plan = PruningPlan.load(level.folder / level.plan)
        pruned = level.build()
        kept = next(
            (cut.keep for cut in plan.cuts if (cut.tensor, cut.dimension) == (f"{FEATURES}.weight", 1)),
            range(seen.shape[-1]),
        )
        rows.append(
            {
                "level": level.level,
                "encoder_distance": distance(pruned, dense, plan),
                "unexplained_from_own_features": unexplained(heard(pruned, mixtures, FEATURES), wanted),
                "unexplained_from_dense_features": unexplained(seen[..., list(kept)], wanted),
            }
        )
        print(rows[-1], flush=True)
    (HERE / "filterbanks.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


@torch.no_grad()
def heard(separator: nn.Module, mixtures: Tensor, layer: str) -> Tensor:
    """What arrives at a layer, ``(mixtures, frames, channels)``."""
    with arriving(separator.eval(), [layer]) as features:
        separator(mixtures)
    return features[layer].reshape(len(mixtures), -1, features[layer].shape[-1])


@torch.no_grad()
def distance(separator: nn.Module, other: nn.Module, plan: PruningPlan | None) -> float:
    """Of an encoder from that of another separator, of which it kept what the plan says, over the norm of that."""
    there = (other if plan is None else plan.apply(other)).encoder.weight
    return float((separator.encoder.weight - there).norm() / there.norm())


def unexplained(features: Tensor, wanted: Tensor) -> float:
    """Share of the variance of ``wanted`` that a linear prediction from ``features`` leaves."""
    with_one = torch.cat([features, torch.ones_like(features[..., :1])], -1).double()
    (known, asked), (target, truth) = (
        (half.flatten(0, 1) for half in (part[::2], part[1::2])) for part in (with_one, wanted.double())
    )
    damping = 1e-5 * len(known) * torch.eye(known.shape[1], dtype=known.dtype)
    weights = torch.linalg.solve(known.T @ known + damping, known.T @ target)
    return float((asked @ weights - truth).square().mean() / (truth - truth.mean(0)).square().mean())


if __name__ == "__main__":
    main()
