"""A heavier level that contains a lighter one and starts as it: for a level that scored worse than its neighbour.

The heavier level keeps all channels of the lighter one and, of the others, those that the masks of the lighter level
rank highest, until its MACs are spent. It starts with the lighter level's weights, and nothing old reads the new
channels yet, so both compute the same; fine-tuning then learns from there. The width of a path that a norm runs over
stays as it is, since a norm over more channels would compute something else. Blocks that the lighter level lacks stay
removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import UserError
from ..pruning import PruningPlan, prepare
from ..pruning.branches import with_branches
from ..pruning.cost import macs_cost
from ..pruning.structure import Structure
from ..pruning.surgery import TOLERANCE, edits
from ..separators.calling import sources_of
from ..separators.growth import place
from .runs import Start

#: layer whose rows make the masks of bins; rows of new bins are zero, so that the decoder gets nothing from them
_MASK = "mask."


@torch.no_grad()
def containing(dense: nn.Module, light: nn.Module, light_plan: PruningPlan, macs: float) -> Start:
    """The start of a level that contains a lighter one.

    Args:
        dense: the separator that ``light_plan`` was made for; weights of new channels come from here.
        light: the fine-tuned lighter level.
        light_plan: its pruning plan.
        macs: share of the dense MACs to keep.

    Raises:
        UserError: the lighter level costs more than that, or the heavier level does not compute the same, as with a
            separator whose norms run over prunable channels in another way.
    """
    prepared = prepare(dense)
    structure = with_branches(prepared.structure) if light_plan.removals else prepared.structure
    mixture = prepared.inputs[0]
    rate: Any = dense.sample_rate
    plan = wider_plan(structure, light_plan, macs, mixture.shape[-1] / rate)
    heavy = plan.apply(dense)
    _put_weights(heavy.state_dict(), plan, light.state_dict(), light_plan)
    expected, found = (sources_of(separator.eval(), mixture, 0) for separator in (light, heavy))
    difference = float((found - expected).abs().max() / expected.abs().max().clamp_min(1e-8))
    if not difference <= TOLERANCE:
        raise UserError(
            f"a {type(dense).__name__} level cannot contain a lighter one: it differs from it by {difference:.2g} "
            "before fine-tuning; use `cut_from` instead of `contains`"
        )
    return Start(heavy, plan, {"macs": macs, "max_relative_difference": difference})


def wider_plan(structure: Structure, light: PruningPlan, macs: float, seconds: float) -> PruningPlan:
    """The plan that keeps what ``light`` keeps, and of the rest what it ranks highest, within a share of the MACs.

    Args:
        structure: channel groups of the dense separator.
        light: the plan of the lighter level.
        macs: share of the dense MACs to keep.
        seconds: duration of the example that the structure was traced with.

    Raises:
        UserError: the lighter level costs more than that.
    """
    groups = {group.id: group for group in light.groups}  # groups that the plan does not name are kept whole
    scores = np.concatenate(
        [groups[group.id].scores if group.id in groups else np.zeros(group.channels) for group in structure.groups]
    )
    kept: NDArray[np.bool_] = np.concatenate(
        [
            np.isin(np.arange(group.channels), groups[group.id].keep)
            if group.id in groups
            else np.ones(group.channels, bool)
            for group in structure.groups
        ]
    )
    counts = np.bincount(structure.group_of[kept], minlength=len(structure.groups))
    fixed = _normed(structure) | set(np.flatnonzero(counts == 0).tolist())
    cost = macs_cost(structure, seconds)
    limit = macs * cost.total(structure.sizes)
    if cost.total(counts) > limit:
        raise UserError(
            f"the level that is to be contained costs {cost.total(counts) / cost.total(structure.sizes):.3f} of the "
            f"dense MACs, and the level around it may cost {macs:g}: give a larger share"
        )
    free = ~np.isin(structure.group_of, list(fixed)) & ~kept
    for channel in np.flatnonzero(free)[np.argsort(-scores[free], kind="stable")]:
        wider = kept.copy()
        wider[channel] = True
        if cost.total(np.bincount(structure.group_of[wider], minlength=len(structure.groups))) > limit:
            break
        kept = wider
    cuts, sizes, removals = edits(structure, kept)
    plans = tuple(
        replace(groups[group.id], keep=tuple(np.flatnonzero(stays).tolist()))
        for group, stays in zip(structure.groups, np.split(kept, np.cumsum(structure.sizes)[:-1]), strict=True)
        if group.id in groups
    )
    return replace(light, budget={"macs": macs}, groups=plans, cuts=cuts, sizes=sizes, removals=removals)


def _normed(structure: Structure) -> set[int]:
    """Groups of channels over which a norm takes its statistics."""
    found: set[int] = set()
    for name, module in structure.module.named_modules():
        if isinstance(module, (nn.LayerNorm, nn.GroupNorm)) and module.weight is not None:
            numbers = structure.numbered(structure.flows[0].parameters[f"{name}.weight"][0])
            if numbers is not None:
                found |= set(structure.group_of[numbers[numbers > 0] - 1].tolist())
    return found


def _put_weights(
    heavy: Mapping[str, Tensor], heavy_plan: PruningPlan, light: Mapping[str, Tensor], light_plan: PruningPlan
) -> None:
    """Put the lighter level's weights at their places among the heavier level's; old rows read no new column."""
    heavy_keeps, light_keeps = (
        {(cut.tensor, cut.dimension): cut.keep for cut in plan.cuts} for plan in (heavy_plan, light_plan)
    )
    for name, old in light.items():
        new = heavy[name]
        if name.startswith(_MASK):
            new.zero_()
        indices = []
        for dimension, size in enumerate(old.shape):
            has, wanted = (keeps.get((name, dimension)) for keeps in (heavy_keeps, light_keeps))
            indices.append(
                torch.searchsorted(
                    torch.arange(new.shape[dimension]) if has is None else torch.tensor(has),
                    torch.arange(size) if wanted is None else torch.tensor(wanted),
                )
            )
        place(new, old, indices)
