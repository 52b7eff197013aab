"""Separators from settings and weight files."""

from __future__ import annotations

import dataclasses
import os

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ..errors import UserError
from ..separators import build_separator
from ..streaming.rounding import widened
from ..training.settings import ModelSettings


def load_model(settings: ModelSettings) -> nn.Module:
    """Build a separator, prune it where a plan is named, load its weights where a file is named.

    Raises:
        UserError: a name or setting is unknown, a file cannot be read, or weights do not fit.
    """
    try:
        separator = build_separator(settings.name, **settings.settings)
    except ValueError as error:
        raise UserError(str(error)) from error
    if settings.grown_from is not None:
        from ..separators.growth import grow

        small = dataclasses.replace(settings, settings=settings.grown_from, grown_from=None)
        return grow(load_model(small), separator)
    if settings.plan is not None:
        from ..pruning import PruningPlan

        separator = PruningPlan.load(settings.plan).apply(separator)
    if settings.weights is not None:
        load_weights(separator, settings.weights)
    return separator


def load_weights(separator: nn.Module, path: str | os.PathLike[str]) -> None:
    """Load a safetensors file of a run or a ladder, every tensor and nothing else."""
    try:
        separator.load_state_dict(widened(load_file(path)))
    except (OSError, SafetensorError) as error:
        raise UserError(f"cannot read the weights {path}: {error}") from error
    except RuntimeError as error:
        raise UserError(f"the weights {path} do not fit {type(separator).__name__}: {error}") from error
