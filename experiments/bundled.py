"""What experiments with the bundled ladder share: dense separator, plans, and mixtures to train and score on."""

from __future__ import annotations

from sepprune.pruning import PruningPlan
from sepprune.separators.base import CausalSeparator
from sepprune.streaming import Ladder
from sepprune.streaming.ladder import Level
from sepprune.training.settings import TrainingSettings, load_settings

from .common import EXPERIMENTS


def settings(data: str) -> TrainingSettings:
    """Training settings with the mixtures that the ladder was trained on, for recordings in the folder ``data``."""
    return load_settings(str(EXPERIMENTS / "claims" / "settings.toml"), data=data)


def dense(ladder: Ladder) -> CausalSeparator:
    """Level 0 of a ladder.

    Raises:
        TypeError: the ladder's separator is not causal.
    """
    separator = ladder.build(0)
    if not isinstance(separator, CausalSeparator):
        raise TypeError(f"{type(separator).__name__} is not a causal separator")
    return separator


def plan_of(level: Level) -> PruningPlan:
    """The pruning plan of a level.

    Raises:
        ValueError: the level is dense and has no plan.
    """
    if level.plan is None:
        raise ValueError(f"level {level.level} is dense and has no pruning plan")
    return PruningPlan.load(level.folder / level.plan)
