"""Trains SkiM with a hop of 2 ms and phases among its features, and compares it with the bundled level 0.

    torchrun --nproc-per-node 2 -m experiments.short_hop.short_hop DATA --minutes 60 [--resume] [--rate 8e-4]
    python -m experiments.short_hop.short_hop DATA --score

Training runs on one process per core and keeps its weights in ``runs/short-hop``. ``short_hop.toml`` has its settings.
``--score`` writes ``short_hop.json`` beside this file: both separators on the validation mixtures that decided which
weights are the best, mixture by mixture.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sepprune.arguments import LONGEST_TRAINING_MIN, check_number
from sepprune.commands.train import keep_memory
from sepprune.separators.skim import SkiM
from sepprune.separators.weights import load_weights
from sepprune.streaming import Ladder
from sepprune.training.batches import validation_mixtures
from sepprune.training.learner import Learner
from sepprune.training.processes import Processes
from sepprune.training.settings import TrainingSettings, load_settings
from sepprune.training.trainer import Trainer
from sepprune.training.validation import si_sdr_improvements

from ..common import mean_difference, run_script, write_json

SETTINGS = Path(__file__).with_suffix(".toml")
#: added to the power of a bin, so that silence has no large phases
FLOOR = 1e-6


class PhaseSkiM(SkiM):
    """SkiM that also reads real and imaginary parts, each divided by the square root of the magnitude."""

    def __init__(self, features: int, **settings: Any) -> None:
        super().__init__(features, **settings)
        self.bottleneck = nn.Linear(self.feature_bins + 2 * self.bins, features)

    def mask_features(self, power: Tensor, real: Tensor, imaginary: Tensor, gain: Tensor | None) -> Tensor:
        magnitudes = super().mask_features(power, real, imaginary, gain)
        gain = power.new_ones(()) if gain is None else gain
        scale = 2.0 * (gain / (power[:, : self.bins] * gain + FLOOR).sqrt()).sqrt()
        return torch.cat([magnitudes, real * scale, imaginary * scale], dim=1)


def separator(settings: TrainingSettings) -> PhaseSkiM:
    """The separator of a run, with random weights."""
    return PhaseSkiM(**settings.model.settings)


def train(settings: TrainingSettings, args: argparse.Namespace) -> None:
    """Train it for so many minutes."""
    torch.manual_seed(settings.seed)
    with Processes() as processes:
        learner = Learner(settings, separator(settings), args.resume or processes.restarted, processes)
        teacher = Ladder.load("assets/ladder").build(0)
        Trainer(settings, [learner], teacher, processes=processes).run(args.minutes, args.cooldown)


def score(settings: TrainingSettings) -> dict[str, object]:
    """SI-SDR improvements in dB of its best weights and of level 0, and the paired difference."""
    torch.set_num_threads(1)
    short, dense = separator(settings), Ladder.load("assets/ladder").build(0)
    load_weights(short, str(Path(settings.out) / "best.safetensors"))
    mixtures, references = validation_mixtures(settings, short)["clean"]
    ours, theirs = (si_sdr_improvements(one, mixtures, references) for one in (short, dense))
    difference, interval = mean_difference(ours - theirs)
    return {
        "mixtures": len(mixtures),
        "si_sdri": round(float(ours.mean()), 3),
        "si_sdri_level_0": round(float(theirs.mean()), 3),
        "difference": difference,
        "interval": interval,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--minutes", type=float, default=60.0, help="training time (default: 60)")
    parser.add_argument("--rate", type=float, help="learning rate, instead of that of the settings")
    parser.add_argument("--resume", action="store_true", help="continue from the last checkpoint")
    parser.add_argument("--cooldown", action="store_true", help="let the learning rate fall to zero over this time")
    parser.add_argument("--score", action="store_true", help="compare the best weights with level 0, do not train")
    args = parser.parse_args()
    check_number("--minutes", args.minutes, 0, LONGEST_TRAINING_MIN)
    check_number("--rate", args.rate, 0, 1, above=True)
    settings = load_settings(str(SETTINGS), data=args.data)
    if args.rate is not None:
        settings = replace(settings, optimiser=replace(settings.optimiser, learning_rate=args.rate))
    if args.score:
        result = score(settings)
        write_json(Path(__file__).with_suffix(".json"), result)
        print(result)
    else:
        keep_memory()
        train(settings, args)


if __name__ == "__main__":
    run_script(main)
