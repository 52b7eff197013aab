"""Measures how far training has moved the filterbanks of the bundled ladder, and writes filterbanks.json.

    python -m experiments.filterbanks.filterbanks DATA

For the dense level: the distance of its encoder from the Fourier transform that it started as, relative to the norm of
that transform, and the rise of the median of its log-magnitude features in dB.

For every other level: the distance of its encoder from the dense one's, and the share of the variance at the input of
the dense level's first block that the best linear prediction leaves unexplained, from the level's own features and from
the dense level's features in the bins that the level has kept. Predictions are fitted on half of the validation
mixtures and judged on the other half.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from torch import Tensor, nn

from sepprune.pruning import PruningPlan
from sepprune.separators import build_separator
from sepprune.separators.layers import LEVEL_SCALE
from sepprune.streaming import Ladder
from sepprune.training.batches import validation_mixtures
from sepprune.training.lessons import layer_inputs

from ..bundled import plan_of, settings
from ..common import run_script, write_json

FEATURES, BLOCK = "bottleneck", "network.0.norm"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder of recordings")
    mixtures = torch.cat([mixture for mixture, _ in validation_mixtures(settings(parser.parse_args().data)).values()])
    ladder = Ladder.load(None)
    dense, started = ladder.build(0), build_separator(ladder[0].model, **ladder[0].settings)
    features, target = inputs_of(dense, mixtures, FEATURES), inputs_of(dense, mixtures, BLOCK)
    rise = (features.median() - inputs_of(started, mixtures, FEATURES).median()) / LEVEL_SCALE * 10 / math.log(10)
    rows: list[dict[str, float]] = [
        {"level": 0, "encoder_distance": distance(dense, started, None), "median_feature_higher_db": float(rise)}
    ]
    for level in ladder.levels[1:]:
        plan, pruned = plan_of(level), level.build()
        kept = next(
            (cut.keep for cut in plan.cuts if (cut.tensor, cut.dimension) == (f"{FEATURES}.weight", 1)),
            range(features.shape[-1]),
        )
        rows.append(
            {
                "level": level.level,
                "encoder_distance": distance(pruned, dense, plan),
                "unexplained_from_own_features": unexplained(inputs_of(pruned, mixtures, FEATURES), target),
                "unexplained_from_dense_features": unexplained(features[..., list(kept)], target),
            }
        )
        print(rows[-1], flush=True)
    write_json(Path(__file__).with_suffix(".json"), rows)


@torch.no_grad()
def inputs_of(separator: nn.Module, mixtures: Tensor, layer: str) -> Tensor:
    """Input of a layer, ``(mixtures, frames, channels)``."""
    with layer_inputs(separator.eval(), [layer]) as features:
        separator(mixtures)
    return features[layer].reshape(len(mixtures), -1, features[layer].shape[-1])


@torch.no_grad()
def distance(separator: nn.Module, other: nn.Module, plan: PruningPlan | None) -> float:
    """Norm of the difference of two encoders, relative to the norm of the other; the plan is applied to the other."""
    weight = separator.get_parameter("encoder.weight")
    reference = (other if plan is None else plan.apply(other)).get_parameter("encoder.weight")
    return float((weight - reference).norm() / reference.norm())


def unexplained(features: Tensor, target: Tensor) -> float:
    """Share of the variance of ``target`` that a linear prediction from ``features`` leaves.

    Shape:
        - features, target: ``(mixtures, frames, channels)``
    """
    with_one = torch.cat([features, torch.ones_like(features[..., :1])], -1).double()
    fit_features, test_features = with_one[::2].flatten(0, 1), with_one[1::2].flatten(0, 1)
    fit_target, test_target = target[::2].flatten(0, 1).double(), target[1::2].flatten(0, 1).double()
    damping = 1e-5 * len(fit_features) * torch.eye(fit_features.shape[1], dtype=fit_features.dtype)
    weights = torch.linalg.solve(fit_features.T @ fit_features + damping, fit_features.T @ fit_target)
    left = (test_features @ weights - test_target).square().mean()
    return float(left / (test_target - test_target.mean(0)).square().mean())


if __name__ == "__main__":
    run_script(main)
