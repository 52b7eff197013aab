"""Mixture consistency for levels that were trained without it."""

from __future__ import annotations

import json
from dataclasses import replace

from torch import nn

from ..pruning import PruningPlan
from ..separators import build_separator
from ..separators.growth import grow
from ..streaming import Level

#: a layer that reads the channels that masks are made from, and the new layer that reads them, too
_READER, _NEW = "mask.weight", "consistency.listen.weight"


def with_consistency(level: Level, units: int) -> tuple[nn.Module, PruningPlan | None]:
    """A level with mixture consistency, whose shares are zero: it computes the same until the shares are learned.

    Args:
        level: of a SkiM ladder; one that has mixture consistency of as many units already (or none, for 0 units)
            stays as it is.
        units: see ``consistency`` of :class:`~sepprune.separators.spectral.SpectralSeparator`.

    Returns:
        The separator, and its plan from the dense separator that has mixture consistency.

    Raises:
        UserError: the level is damaged, is no SkiM, or has mixture consistency of another number of units.
    """
    content, trained = level.read_plan(), level.build()
    plan = None if content is None else PruningPlan.from_json(json.loads(content))
    if level.settings.get("consistency", 0) == units:
        return trained, plan
    separator = build_separator(level.model, **{**level.settings, "consistency": units})
    if plan is not None:
        read = [replace(cut, tensor=_NEW) for cut in plan.cuts if (cut.tensor, cut.dimension) == (_READER, 1)]
        plan = replace(plan, cuts=(*plan.cuts, *read))
        separator = plan.apply(separator)
    return grow(trained, separator), plan
