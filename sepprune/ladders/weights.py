"""The separator that a run starts from: built, grown, pruned and loaded as its settings say."""

from __future__ import annotations

import dataclasses

from torch import nn

from ..errors import UserError
from ..pruning import PruningPlan
from ..separators import build_separator
from ..separators.growth import grow
from ..separators.weights import load_weights
from ..training.settings import ModelSettings

__all__ = ["load_model", "load_weights"]


def load_model(settings: ModelSettings) -> nn.Module:
    """Build a separator, apply its pruning plan and load its weights, where settings name them.

    Args:
        settings: with ``grown_from``, plan and weights belong to that smaller separator, which is then grown.

    Raises:
        UserError: a name or setting is unknown, a file cannot be read, or plan or weights do not fit.
    """
    try:
        separator = build_separator(settings.name, **settings.settings)
    except ValueError as error:
        raise UserError(str(error)) from error
    if settings.grown_from is not None:
        small = dataclasses.replace(settings, settings=settings.grown_from, grown_from=None)
        return grow(load_model(small), separator)
    if settings.plan is not None:
        separator = PruningPlan.load(settings.plan).apply(separator)
    if settings.weights is not None:
        load_weights(separator, settings.weights)
    return separator
