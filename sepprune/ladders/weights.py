"""The separator that a run starts from: built, grown, pruned and loaded as its settings say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from torch import nn

from ..checked import Table
from ..errors import UserError
from ..files import is_folder
from ..pruning import PruningPlan
from ..separators import build_separator, separator_names
from ..separators.growth import grow
from ..separators.weights import load_weights
from ..streaming import Ladder
from ..streaming.building import checked_settings
from ..training.settings import ModelSettings

__all__ = ["load_model", "load_weights", "resolved"]


def resolved(settings: ModelSettings) -> ModelSettings:
    """Settings whose name is a folder that ``sepprune import`` or ``sepprune ladder`` wrote, as that dense level.

    Args:
        settings: a name of :func:`sepprune.separators.separator_names` is left as it is.

    Raises:
        UserError: the folder is no ladder, or other settings are given with it.
    """
    if settings.name in separator_names() or not settings.name or not is_folder(Path(settings.name)):
        return settings
    if settings.settings or settings.grown_from is not None:
        raise UserError(
            f"[model] names the folder {settings.name}, which has settings of its own: leave `settings` and "
            "`grown_from` out"
        )
    level = Ladder.load(settings.name)[0]
    plan = None if level.plan is None else str(level.folder / level.plan)
    return dataclasses.replace(
        settings,
        name=level.model,
        settings=dict(level.settings),
        weights=settings.weights or str(level.folder / level.weights),
        plan=settings.plan or plan,
    )


def load_model(settings: ModelSettings) -> nn.Module:
    """Build a separator, apply its pruning plan and load its weights, where settings name them.

    Args:
        settings: with ``grown_from``, plan and weights belong to that smaller separator, which is then grown.

    Raises:
        UserError: a name or setting is unknown, a file cannot be read, or plan or weights do not fit.
    """
    plain = Table(settings.settings, "`settings` of [model]", "give what the separator of this name takes")
    try:
        separator = build_separator(settings.name, **checked_settings(plain))
    except (ValueError, RuntimeError, ArithmeticError, TypeError) as error:
        sentence = str(error).partition("\n")[0]
        if not isinstance(error, ValueError):  # torch has errors of its own for impossible sizes, which name no setting
            sentence = f"`settings` of [model] are not possible: {sentence}"
        raise UserError(sentence) from error
    if settings.grown_from is not None:
        small = dataclasses.replace(settings, settings=settings.grown_from, grown_from=None)
        return grow(load_model(small), separator)
    if settings.plan is not None:
        separator = PruningPlan.load(settings.plan).apply(separator)
    if settings.weights is not None:
        load_weights(separator, settings.weights)
    return separator
