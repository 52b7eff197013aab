"""Levels before fine-tuning: cut out of a heavier separator by learned masks, or taken over from another ladder."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from ..errors import UserError
from ..losses import ordered_snr_loss
from ..pruning import Floor, PruningPlan, prune
from ..streaming import Ladder
from ..training.batches import ordered_batches
from ..training.settings import ModelSettings
from .consistency import with_consistency
from .runs import Start
from .settings import LadderSettings

#: added to the seed of training, so that masks are not learned on the mixtures that fine-tuning starts with
_MASK_SEED = 1_000


def cut(
    settings: LadderSettings,
    level: int,
    dense: nn.Module,
    heavier: nn.Module,
    heavier_plan: PruningPlan | None,
    progress: Callable[[int, float], None] | None = None,
) -> Start:
    """Cut a level out of a heavier one.

    Args:
        settings: of the ladder.
        level: number of the level.
        dense: the separator whose source order the masks are learned in.
        heavier: the separator to cut.
        heavier_plan: its plan, ``None`` for the dense separator.
        progress: called with step and loss while masks are learned.

    Raises:
        UserError: the data is missing, or the budget cannot be met.
    """
    spec, training = settings.levels[level], settings.training
    kept = spec.macs / settings.levels[spec.cut_from].macs
    result = prune(
        heavier,
        macs=kept,
        method=settings.method,
        loss=ordered_snr_loss,
        steps=settings.mask_steps,
        seed=training.seed,
        round_to=settings.round_to,
        floor=Floor(whole_branches=settings.whole_branches, narrowest=settings.narrowest),
        data=ordered_batches(training, dense, training.seed + _MASK_SEED, 1),
        progress=progress,
    )
    plan = result.plan if heavier_plan is None else heavier_plan.then(result.plan)
    return Start(result.model, plan, {"cut_from_level": spec.cut_from, **result.report})


def continued(ladder: Ladder, level: int, model: ModelSettings) -> Start:
    """A level of another ladder, to be trained further.

    Args:
        ladder: the other ladder.
        level: number of the level.
        model: the dense separator that is wanted; it may have mixture consistency where the ladder's has none.

    Raises:
        UserError: the ladder has another separator, or lacks the level.
    """
    source = ladder[level]
    wanted = {name: value for name, value in model.settings.items() if name != "consistency"}
    found = {name: value for name, value in source.settings.items() if name != "consistency"}
    if source.model != model.name or found != wanted:
        raise UserError(
            f"the ladder {ladder.folder} has a {source.model} with {_listed(found)}, [training.model] asks for "
            f"{model.name} with {_listed(wanted)}: give the same, or another ladder to start from"
        )
    separator, plan = with_consistency(source, int(model.settings.get("consistency", 0)))
    return Start(separator, plan, {"continued_from": str(ladder.folder), "level": level})


def _listed(settings: dict[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sorted(settings.items())) or "default settings"
