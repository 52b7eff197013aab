"""A heavier level that contains a lighter one and begins as it: for a level that its lighter neighbour has overtaken.

    python docs/training/contain.py configs/ladder.toml 3 4

Level 3 gets the channels of level 4, whose run must have a best checkpoint, and of the others those that the masks of
level 4 rank next, until its multiply-adds are spent. It starts with level 4's weights, and nothing that is new is heard
yet: it computes what level 4 computes, which the last line shows. Widths of the residual path stay as they are, since
a norm runs over them. `sepprune ladder` then fine-tunes it like any other level; `plan.json` and `start.safetensors` of
its run are written here, and a run that was there is not touched.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sepprune.ladders.make import load_ladder_settings
from sepprune.ladders.weights import load_model, load_weights
from sepprune.pruning import PruningPlan, prepare
from sepprune.pruning.cost import macs_cost
from sepprune.pruning.structure import Structure
from sepprune.pruning.surgery import edits

#: the layer whose rows for new bins are zero, so that the decoder hears nothing of them
MASK = "mask."


def contain(structure: Structure, light: PruningPlan, share: float, seconds: float) -> PruningPlan:
    """The plan that keeps what ``light`` keeps and then what it ranks next, within a share of the dense MACs."""
    groups = {group.id: group for group in light.groups}  # what the plan does not know, it keeps whole
    scores = np.concatenate(
        [groups[group.id].scores if group.id in groups else np.zeros(group.channels) for group in structure.groups]
    )
    kept = np.concatenate(
        [
            np.isin(np.arange(group.channels), groups[group.id].keep)
            if group.id in groups
            else np.ones(group.channels, bool)
            for group in structure.groups
        ]
    )
    free = ~np.isin(structure.group_of, list(_normed(structure)))
    cost = macs_cost(structure, seconds)
    limit = share * cost.total(structure.sizes)
    order = np.flatnonzero(free & ~kept)[np.argsort(-scores[free & ~kept], kind="stable")]
    for channel in order:
        wider = kept.copy()
        wider[channel] = True
        if cost.total(np.bincount(structure.group_of[wider], minlength=len(structure.groups))) > limit:
            break
        kept = wider
    cuts, sizes, removals = edits(structure, kept)
    bounds = np.cumsum(structure.sizes)[:-1]
    plans = tuple(
        replace(groups[group.id], keep=tuple(np.flatnonzero(stays).tolist()))
        for group, stays in zip(structure.groups, np.split(kept, bounds), strict=True)
        if group.id in groups
    )
    return replace(light, budget={"macs": share}, groups=plans, cuts=cuts, sizes=sizes, removals=removals)


def _normed(structure: Structure) -> set[int]:
    """Groups of channels over which a norm runs."""
    found: set[int] = set()
    for name, module in structure.module.named_modules():
        if isinstance(module, nn.LayerNorm):
            numbers = structure.numbered(structure.flows[0].parameters[f"{name}.weight"][0])
            found |= set() if numbers is None else set(structure.group_of[numbers[numbers > 0] - 1].tolist())
    return found


@torch.no_grad()
def begin(
    heavy: dict[str, Tensor], heavy_plan: PruningPlan, light: Mapping[str, Tensor], light_plan: PruningPlan
) -> None:
    """Put the lighter level's weights into their places; old rows read nothing that is new."""
    keeps = [{(cut.tensor, cut.dimension): cut.keep for cut in plan.cuts} for plan in (heavy_plan, light_plan)]
    for name, old in light.items():
        new, places = heavy[name], []
        for dimension in range(old.ndim):
            mine, theirs = (keep.get((name, dimension)) for keep in keeps)
            place = torch.arange(new.shape[dimension]) if mine is None else torch.tensor(mine)
            wanted = torch.arange(old.shape[dimension]) if theirs is None else torch.tensor(theirs)
            places.append(torch.searchsorted(place, wanted))
        if name.startswith(MASK):
            new.zero_()
        elif new.ndim == 2:
            new[places[0]] = 0
        new[torch.meshgrid(*places, indexing="ij")] = old


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings")
    parser.add_argument("heavier", type=int)
    parser.add_argument("lighter", type=int)
    args = parser.parse_args()
    settings = load_ladder_settings(args.settings)
    folders = [Path(settings.runs) / f"level-{level}" for level in (args.heavier, args.lighter)]
    if (folders[0] / "plan.json").exists():
        parser.error(f"{folders[0]} has a plan: move it away first")
    if not (folders[1] / "best.safetensors").exists():
        parser.error(f"{folders[1]} has no best.safetensors: fine-tune level {args.lighter} first")
    dense = load_model(settings.training.model)
    light_plan = PruningPlan.load(folders[1] / "plan.json")
    light = light_plan.apply(dense)
    load_weights(light, folders[1] / "best.safetensors")
    prepared = prepare(dense)
    plan = contain(
        prepared.structure,
        light_plan,
        1 - settings.reductions[args.heavier - 1],
        prepared.inputs[0].shape[-1] / dense.sample_rate,
    )
    heavy = plan.apply(dense)
    state = heavy.state_dict()
    begin(state, plan, light.state_dict(), light_plan)
    folders[0].mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in state.items()}, folders[0] / "start.safetensors")
    plan.save(folders[0] / "plan.json")
    sound = prepared.inputs[0]
    with torch.no_grad():
        difference = float((heavy.eval()(sound)[0] - light.eval()(sound)[0]).abs().max())
    print(
        f"level {args.heavier} has {sum(p.numel() for p in heavy.parameters())} parameters and computes what level "
        f"{args.lighter} computes within {difference:.1g}"
    )


if __name__ == "__main__":
    main()
