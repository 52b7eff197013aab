"""A comparison as plain data: its settings, and the cells of its table."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..ladders.weights import resolved
from ..pruning import METHODS
from ..training.settings import TrainingSettings, build_settings, read_toml

#: the method that the others are compared with
OURS = "sepprune"


@dataclass(frozen=True)
class ComparisonSettings:
    """Settings of a comparison.

    Args:
        out: folder for finished cells, the report and its picture.
        training: the trained separator, and how pruned ones are fine-tuned; its ``out``, ``seed`` and
            ``validate_minutes`` are not used.
        methods: pruning methods, ``sepprune`` among them.
        seeds: every cell is made once for each seed. A seed decides the masks and the batches of fine-tuning, which
            are the same for all methods.
        reductions: shares of the dense MACs that are removed.
        tuned_reduction: the reduction at which every method is fine-tuned.
        finalists: how many of the best rivals at that reduction are also fine-tuned at the other reductions.
        mask_steps: number of batches on which SepPrune learns masks.
        updates: number of fine-tuning updates; the learning rate falls linearly to zero over them.

    Raises:
        UserError: a setting is out of range, or names an unknown method.
    """

    out: str
    training: TrainingSettings
    methods: tuple[str, ...] = METHODS
    seeds: tuple[int, ...] = (1, 2, 3)
    reductions: tuple[float, ...] = (0.4, 0.6, 0.8)
    tuned_reduction: float = 0.6
    finalists: int = 2
    mask_steps: int = 500
    updates: int = 500

    def __post_init__(self) -> None:
        for method in self.methods:
            if method not in METHODS:
                raise UserError(f"no pruning method is called {method!r}: choose from {', '.join(METHODS)}")
        if OURS not in self.methods or len(self.methods) < 2:
            raise UserError(f"methods are {', '.join(self.methods) or 'empty'}: name {OURS} and at least one rival")
        if self.tuned_reduction not in self.reductions:
            raise UserError(
                f"tuned_reduction is {self.tuned_reduction}: choose one of the reductions, "
                f"{', '.join(map(str, self.reductions))}"
            )
        if bad := [value for value in self.reductions if not 0 < value < 1]:
            raise UserError(f"a reduction of {bad[0]} is no share of the multiply-adds: give numbers between 0 and 1")
        if not self.seeds or self.mask_steps < 1 or self.updates < 1 or self.finalists < 0:
            raise UserError(
                "a comparison needs at least one seed, mask step and update, and no negative number of "
                "finalists: see experiments/comparison/settings.toml"
            )

    def identity(self) -> dict[str, Any]:
        """The settings that finished cells depend on; finished cells are only reused while these are the same."""
        training = dataclasses.asdict(self.training)
        for name in ("out", "seed", "validate_minutes", "threads"):
            del training[name]
        weights = self.training.model.weights
        content = {
            "training": training,
            "mask_steps": self.mask_steps,
            "updates": self.updates,
            "weights_sha256": None if weights is None else _sha256(weights),
        }
        plain: dict[str, Any] = json.loads(json.dumps(content))
        return plain


@dataclass(frozen=True)
class Cell:
    """One number of the table: the score of a method at a reduction.

    Attributes:
        stage: ``pruned``, or ``tuned`` after fine-tuning.
        method: name of the pruning method.
        reduction: share of the dense MACs that is removed.
        seed: decides masks and batches.
    """

    stage: str
    method: str
    reduction: float
    seed: int

    @property
    def name(self) -> str:
        """Name of the cell's files."""
        return f"{self.stage}-{self.method}-{self.reduction:g}-{self.seed}"


def pruned_cells(settings: ComparisonSettings) -> list[Cell]:
    """Every method at every reduction, the slowest method first."""
    methods = sorted(settings.methods, key=lambda name: name != OURS)
    return [
        Cell("pruned", method, reduction, seed)
        for method in methods
        for seed in settings.seeds
        for reduction in settings.reductions
    ]


def tuned_cells(settings: ComparisonSettings) -> list[Cell]:
    """Every method at the reduction at which all are fine-tuned."""
    return [
        Cell("tuned", method, settings.tuned_reduction, seed) for seed in settings.seeds for method in settings.methods
    ]


def final_cells(settings: ComparisonSettings, finalists: list[str]) -> list[Cell]:
    """SepPrune and its best rivals at the other reductions."""
    return [
        Cell("tuned", method, reduction, seed)
        for seed in settings.seeds
        for method in (OURS, *finalists)
        for reduction in sorted(settings.reductions)
        if reduction != settings.tuned_reduction
    ]


def load_comparison_settings(path: str, data: str | None = None, out: str | None = None) -> ComparisonSettings:
    """Read a comparison's TOML file: top-level entries, and ``[training]`` as in a training run.

    Args:
        path: of the file.
        data: recordings that replace those in the file.
        out: folder that replaces the one in the file.

    Raises:
        UserError: the file is missing or malformed, or names something unknown.
    """
    content = read_toml(path) | ({} if out is None else {"out": out})
    training = {"out": "", **content.pop("training", {})} | ({} if data is None else {"data": data})
    for name in ("methods", "seeds", "reductions"):
        if name in content:
            content[name] = tuple(content[name])
    fine_tuning: TrainingSettings = build_settings(TrainingSettings, training, f"[training] of {path}")
    fine_tuning = dataclasses.replace(fine_tuning, model=resolved(fine_tuning.model))
    settings: ComparisonSettings = build_settings(ComparisonSettings, content | {"training": fine_tuning}, path)
    return settings


def _sha256(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"cannot read the weights {path}: {error.strerror}; train the separator first") from error
