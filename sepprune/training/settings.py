"""A training run as plain data, read from a TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..data.datasets import DatasetSettings
from ..errors import UserError
from .mixtures import MixtureSettings


@dataclass(frozen=True)
class ModelSettings:
    """Which separator is trained.

    Args:
        name: see :func:`sepprune.separators.separator_names`.
        settings: arguments of the family's class.
        weights: safetensors file to start from instead of fresh weights.
        plan: pruning plan that is applied before the weights are loaded.
        grown_from: settings of a smaller SkiM, whose weights ``weights`` are: training starts as that one, see
            :func:`~.growth.grow`.
    """

    name: str = "skim"
    settings: dict[str, Any] = field(default_factory=dict)
    weights: str | None = None
    plan: str | None = None
    grown_from: dict[str, Any] | None = None


@dataclass(frozen=True)
class OptimiserSettings:
    """How it is trained.

    Args:
        method: ``adam``, or ``muon`` for weight matrices and Adam for the rest.
        learning_rate: step size after warm-up.
        weight_decay: share of the weights, times the step size, that every update takes away.
        warmup: updates over which the step size rises from zero.
        clip: largest norm of the gradient.
        ema: decay of the averaged weights, which are what is validated and kept.
        precision: ``bf16`` (autocast) or ``fp32``.
        frozen: beginnings of the names of weights that stay as they are, such as ``encoder`` and ``decoder``: a
            filterbank that does not learn makes forward and backward pass of the one that ships a sixth cheaper.
    """

    method: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    warmup: int = 200
    clip: float = 5.0
    ema: float = 0.999
    precision: str = "fp32"
    frozen: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingSettings:
    """Everything a run needs besides its data's location.

    Args:
        out: folder for checkpoints, log and curve.
        data: folder or pack of recordings, or root of a prepared set.
        dataset: what ``data`` is.
        model: which separator.
        mixtures: what it hears.
        imitation: with a teacher, the share of the loss that asks for the teacher's estimates; the rest asks for the
            references. A student that starts as the teacher's pruned copy comes near it sooner that way.
        hints: layers of a pruned student whose inputs are to be like the teacher's, by name or pattern, see
            :class:`~.hints.Hints`.
        hint_weight: of their distance, beside the loss in dB.
        optimiser: how it learns.
        seed: of weights and mixtures.
        validate_minutes: training time between two validations.
        validation_mixtures: how many mixtures of the ``valid`` split are scored.
        threads: torch threads on a CPU, 0 for as many as there are cores.
    """

    out: str
    data: str
    dataset: DatasetSettings = DatasetSettings()
    model: ModelSettings = ModelSettings()
    mixtures: MixtureSettings = MixtureSettings()
    imitation: float = 0.0
    hints: tuple[str, ...] = ()
    hint_weight: float = 3.0
    optimiser: OptimiserSettings = OptimiserSettings()
    seed: int = 0
    validate_minutes: float = 3.0
    validation_mixtures: int = 64
    threads: int = 0


def load_settings(path: str, **overrides: Any) -> TrainingSettings:
    """Read a run's TOML file; ``overrides`` that are not ``None`` replace top-level entries.

    Raises:
        UserError: the file is missing or malformed, or names something unknown.
    """
    content = read_toml(path) | {name: value for name, value in overrides.items() if value is not None}
    return build_settings(TrainingSettings, content, path)


def read_toml(path: str) -> dict[str, Any]:
    """A TOML file's content.

    Raises:
        UserError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the configuration {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"the configuration {path} is not valid TOML: {error}") from error


def build_settings(kind: type[Any], content: dict[str, Any], where: str) -> Any:
    """A frozen dataclass from a TOML table, tables inside it included.

    Raises:
        UserError: an entry is unknown or missing.
    """
    fields = {entry.name: entry for entry in dataclasses.fields(kind)}
    if unknown := sorted(set(content) - set(fields)):
        raise UserError(f"{where} has an unknown entry {unknown[0]!r}: choose from {', '.join(sorted(fields))}")
    values = {}
    for name, value in content.items():
        default = fields[name].default
        if dataclasses.is_dataclass(default):
            value = build_settings(type(default), value, f"[{name}] of {where}")
        elif isinstance(default, tuple):
            value = tuple(value)
        values[name] = value
    try:
        return kind(**values)
    except TypeError as error:
        raise UserError(f"{where} is incomplete: {error}") from error
