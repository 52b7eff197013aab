"""Tests whether one set of weights can serve all levels, and writes nested.json beside this file.

    python -m experiments.nested.nested DATA HOURS

Channels of the bundled dense level are ranked once, by the mask logits of all bundled levels together. A nested level
has as many channels in every group as the bundled one, the best of that ranking. So each level is a part of the one
above, and a level change would need no warm-up: the new level would take over its part of the state.

All levels are trained together on HOURS of mixtures with the sandwich rule of Yu and Huang, "Universally slimmable
networks", ICCV 2019: every update adds the gradients of the dense level, the lightest level and one level between them.
Half of the loss of the lighter ones compares with the dense level's estimates. Checkpoints are kept in ``runs/nested``;
a second start with more hours continues from the last one.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import random
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.data import DataLoader, Subset

from sepprune.commands.train import keep_memory
from sepprune.losses import ordered_snr_loss, reorder
from sepprune.pruning import PruningPlan, prepare
from sepprune.pruning.pipeline import Prepared
from sepprune.pruning.surgery import edits
from sepprune.separators.base import CausalSeparator
from sepprune.separators.calling import estimates_of
from sepprune.streaming import Ladder
from sepprune.training.batches import BATCHES, training_batches, validation_mixtures
from sepprune.training.validation import MixtureSet, si_sdr_improvement

from ..bundled import dense as load_dense
from ..bundled import plan_of
from ..bundled import settings as load_settings
from ..common import run_script, write_json

RUN = Path("runs/nested")
#: learning rate, updates until it is reached, and decay of the averaged weights
RATE, WARM_UP, AVERAGE = 6e-4, 50, 0.998


def nested_plans(prepared: Prepared, plans: list[PruningPlan]) -> list[PruningPlan]:
    """Plans with the group sizes of those given, heaviest first; each keeps a subset of what the one before keeps.

    Groups that the plans do not have, such as those of mixture consistency, stay whole. A group that a plan removes
    keeps one channel, since a nested level has all blocks.
    """
    ranks = {
        group.id: np.mean([np.argsort(np.argsort(plan.groups[index].scores)) for plan in plans], axis=0)
        for index, group in enumerate(plans[0].groups)
    }
    counts = np.minimum.accumulate([[max(1, len(group.keep)) for group in plan.groups] for plan in plans], axis=0)
    found = []
    for plan, row in zip(plans, counts, strict=True):
        stays = {name: rank >= np.sort(rank)[-count] for (name, rank), count in zip(ranks.items(), row, strict=True)}
        kept = np.concatenate(
            [stays.get(group.id, np.ones(group.channels, bool)) for group in prepared.structure.groups]
        )
        cuts, sizes, removals = edits(prepared.structure, kept)
        found.append(dataclasses.replace(plan, groups=(), cuts=cuts, sizes=sizes, removals=removals))
    return found


class Nested:
    """A dense separator and levels that are parts of it.

    Args:
        dense: separator whose weights all levels share.
        plans: plans of the lighter levels.
    """

    def __init__(self, dense: CausalSeparator, plans: list[PruningPlan]) -> None:
        self.dense, self.lightest, self._plans = dense, len(plans), plans
        self._shells = [plan.apply(dense) for plan in plans]

    def separate(self, level: int, mixture: Tensor) -> Tensor:
        """Sources of a level with gradients for the shared weights, ``(batch, sources, samples - delay)``."""
        if level == 0:
            return estimates_of(self.dense, mixture, self.dense.delay, "bf16")
        with torch.autocast("cpu", torch.bfloat16):
            weights: dict[str, Tensor] = dict(self.dense.named_parameters())
            for cut in self._plans[level - 1].cuts:
                weights[cut.tensor] = weights[cut.tensor].index_select(cut.dimension, torch.tensor(cut.keep))
            sources: Tensor = functional_call(self._shells[level - 1], weights, (mixture,))[0]
            return sources[..., self.dense.delay :].float()

    def module(self, level: int) -> nn.Module:
        """A level with weights of its own, as a ladder would hold it."""
        return self._plans[level - 1].apply(self.dense) if level else self.dense


def update_loss(nested: Nested, teacher: CausalSeparator, mixture: Tensor, reference: Tensor, between: int) -> Tensor:
    """Loss of the dense level, the lightest level and one between them, with sources in the teacher's order."""
    with torch.no_grad():
        guide = estimates_of(teacher, mixture, teacher.delay, "bf16")
    target = reorder(reference[..., : guide.shape[-1]], guide)
    dense = nested.separate(0, mixture)
    loss = ordered_snr_loss(dense, target)
    for level in (between, nested.lightest):
        estimate = nested.separate(level, mixture)
        loss = loss + (ordered_snr_loss(estimate, target) + ordered_snr_loss(estimate, dense.detach())) / 2
    return loss


def train(nested: Nested, average: nn.Module, data: str, hours: float) -> None:
    """Train on so many hours of mixtures with a learning rate that falls to 0; continue from the last checkpoint."""
    settings = load_settings(data)
    teacher = load_dense(Ladder.load(None)).eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(nested.dense.parameters(), fused=True)
    first, file = 0, RUN / "last.pt"
    if file.is_file():
        state = torch.load(file)
        nested.dense.load_state_dict(state["dense"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["updates"]
    batch_hours = settings.mixtures.batch * settings.mixtures.seconds / 3600
    updates = round(hours / batch_hours)
    batches = Subset(training_batches(settings), range(first, BATCHES))
    for update, (mixture, reference) in zip(
        range(first, updates), DataLoader(batches, batch_size=None, num_workers=1), strict=False
    ):
        between = random.Random(update).randint(1, nested.lightest - 1)
        loss = update_loss(nested, teacher, mixture, reference, between)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        norm = nn.utils.clip_grad_norm_(nested.dense.parameters(), 5.0)
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (update - first + 1) / WARM_UP) * (1 - (update - first) / (updates - first))
        if math.isfinite(norm):
            optimiser.step()
        with torch.no_grad():
            for mean, now in zip(average.parameters(), nested.dense.parameters(), strict=True):
                mean.lerp_(now, 1 - min(AVERAGE, (update - first + 1) / (update - first + 11)))
        if (update + 1) % 200 == 0 or update + 1 == updates:
            print(f"{(update + 1) * batch_hours:.2f} h of mixtures, loss {float(loss.detach()):.2f}", flush=True)
            torch.save(
                {
                    "dense": nested.dense.state_dict(),
                    "average": average.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "updates": update + 1,
                },
                file,
            )


def scores(separator: nn.Module, validation: dict[str, MixtureSet]) -> dict[str, float]:
    """SI-SDRi in dB by condition."""
    return {name: si_sdr_improvement(separator, *mixtures) for name, mixtures in validation.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder of recordings")
    parser.add_argument("hours", type=float, help="hours of mixtures")
    args = parser.parse_args()
    run(args.data, args.hours)


def run(data: str, hours: float) -> None:
    """Train nested levels, score them beside the bundled ones, and write the report."""
    keep_memory()
    torch.set_num_threads(1)
    RUN.mkdir(parents=True, exist_ok=True)
    ladder = Ladder.load(None)
    dense, average = (load_dense(ladder).requires_grad_() for _ in range(2))
    plans = nested_plans(prepare(dense), [plan_of(level) for level in ladder.levels[1:]])
    train(Nested(dense, plans), average, data, hours)
    validation = validation_mixtures(load_settings(data))
    nested = Nested(average, plans)
    rows: list[dict[str, object]] = []
    for level in ladder.levels:
        separate = scores(level.build(), validation)
        shared = scores(nested.module(level.level).eval(), validation)
        rows.append(
            {
                "level": level.level,
                "macs_per_second": level.macs_per_second,
                "separate": separate,
                "nested": shared,
                "difference": float(np.mean(list(shared.values()))) - float(np.mean(list(separate.values()))),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    write_json(Path(__file__).with_suffix(".json"), {"hours": hours, "levels": rows})


if __name__ == "__main__":
    run_script(main)
