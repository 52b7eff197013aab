"""One set of weights for all levels: are nested levels as good as separate ones? Writes nested.json.

    python docs/pruning/nested.py DATA HOURS

Channels of the shipped dense level are ranked once, by the mask logits of all shipped levels together. A nested level
has as many channels in every group as the shipped one, the best of that ranking, so each lies inside the one above,
and a change of level would need no warm-up: it would take along the part of the state that it has room for. All are
trained at once on HOURS of mixtures ("sandwich rule" of Yu and Huang, "Universally slimmable networks", ICCV 2019):
every update adds up the gradients of the dense level, the lightest and one between, the lighter ones imitating the
dense one for half of their loss. What is finished is kept in runs/nested: started again with more hours, it goes on.
"""

from __future__ import annotations

import dataclasses
import json
import math
import random
import sys
from pathlib import Path
from typing import Any

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
from sepprune.separators.calling import sources_of
from sepprune.streaming import Ladder
from sepprune.training.batches import BATCHES, training_batches, validation_mixtures
from sepprune.training.settings import load_settings
from sepprune.training.validation import MixtureSet, si_sdr_improvement

HERE = Path(__file__).parent
RUN = Path("runs/nested")
CONFIG = HERE.parents[1] / "configs/claims.toml"
RATE, WARM_UP, AVERAGE = 6e-4, 50, 0.998


def nested_plans(prepared: Prepared, plans: list[PruningPlan]) -> list[PruningPlan]:
    """Plans with the group sizes of those given, heaviest first, each keeping a part of what the one before keeps."""
    ranks = [
        np.mean([np.argsort(np.argsort(plan.groups[group].scores)) for plan in plans], axis=0)
        for group in range(len(plans[0].groups))
    ]
    counts = np.minimum.accumulate([[len(group.keep) for group in plan.groups] for plan in plans], axis=0)
    found = []
    for plan, row in zip(plans, counts, strict=True):
        kept = np.concatenate([rank >= np.sort(rank)[-count] for rank, count in zip(ranks, row, strict=True)])
        cuts, sizes, removals = edits(prepared.structure, kept)
        found.append(dataclasses.replace(plan, groups=(), cuts=cuts, sizes=sizes, removals=removals))
    return found


class Nested:
    """A dense separator and levels that are parts of it.

    Args:
        dense: its weights are shared by all.
        plans: of the lighter levels.
    """

    def __init__(self, dense: nn.Module, plans: list[PruningPlan]) -> None:
        self.dense, self._plans = dense, plans
        self._shells = [plan.apply(dense) for plan in plans]

    def separate(self, level: int, mixture: Tensor) -> Tensor:
        """Sources of a level, with gradients for the shared weights."""
        with torch.autocast("cpu", torch.bfloat16):
            if level == 0:
                return sources_of(self.dense, mixture, self.dense.delay).float()
            weights = dict(self.dense.named_parameters())
            for cut in self._plans[level - 1].cuts:
                weights[cut.tensor] = weights[cut.tensor].index_select(cut.dimension, torch.tensor(cut.keep))
            sources, _ = functional_call(self._shells[level - 1], weights, (mixture,))
            return sources[..., self.dense.delay :].float()

    def module(self, level: int) -> nn.Module:
        """A level as it would ship."""
        return self._plans[level - 1].apply(self.dense) if level else self.dense


def update_loss(
    nested: Nested, teacher: nn.Module, mixture: Tensor, reference: Tensor, between: int, lightest: int
) -> Tensor:
    """The sandwich: dense, lightest and one between, sources in the teacher's order."""
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        guide = sources_of(teacher, mixture, teacher.delay).float()
    target = reorder(reference[..., : guide.shape[-1]], guide)
    dense = nested.separate(0, mixture)
    loss = ordered_snr_loss(dense, target)
    for level in (between, lightest):
        estimate = nested.separate(level, mixture)
        loss = loss + (ordered_snr_loss(estimate, target) + ordered_snr_loss(estimate, dense.detach())) / 2
    return loss


def train(nested: Nested, average: nn.Module, data: str, hours: float) -> None:
    """Train to so many hours of mixtures, the step size falling to zero; goes on from what an earlier call left."""
    settings = load_settings(str(CONFIG), data=data)
    teacher = Ladder.load(None)[0].build().eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(nested.dense.parameters(), fused=True)
    first, file = 0, RUN / "last.pt"
    if file.is_file():
        state = torch.load(file)
        nested.dense.load_state_dict(state["dense"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["updates"]
    batch_hours = settings.mixtures.batch * settings.mixtures.seconds / 3600
    updates, lightest = round(hours / batch_hours), len(nested._plans)
    batches = Subset(training_batches(settings), range(first, BATCHES))
    for update, (mixture, reference) in zip(
        range(first, updates), DataLoader(batches, batch_size=None, num_workers=1), strict=False
    ):
        between = random.Random(update).randint(1, lightest - 1)
        loss = update_loss(nested, teacher, mixture, reference, between, lightest)
        optimiser.zero_grad()
        loss.backward()
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
    return {name: si_sdr_improvement(separator, *mixtures) for name, mixtures in validation.items()}


def main(data: str, hours: float) -> None:
    keep_memory()
    torch.set_num_threads(1)
    RUN.mkdir(parents=True, exist_ok=True)
    ladder = Ladder.load(None)
    dense, average = (ladder[0].build().requires_grad_() for _ in range(2))
    plans = nested_plans(prepare(dense), [PruningPlan.load(level.folder / level.plan) for level in ladder.levels[1:]])
    train(Nested(dense, plans), average, data, hours)
    validation = validation_mixtures(load_settings(str(CONFIG), data=data))
    nested, rows = Nested(average, plans), []
    for level in ladder.levels:
        row: dict[str, Any] = {
            "level": level.level,
            "macs_per_second": level.macs_per_second,
            "separate": scores(level.build(), validation),
            "nested": scores(nested.module(level.level).eval(), validation),
        }
        rows.append(
            row
            | {
                "difference": float(np.mean(list(row["nested"].values())))
                - float(np.mean(list(row["separate"].values())))
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    HERE.joinpath("nested.json").write_text(
        json.dumps({"hours": hours, "levels": rows}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
