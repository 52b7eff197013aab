"""Making a cell: pruning, fine-tuning, scoring."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from ..ladders.weights import load_model
from ..pruning import Prepared, PruningPlan, prepare, prune
from ..training.batches import training_batches, validation_mixtures
from ..training.learner import Learner
from ..training.trainer import Trainer
from ..training.validation import si_sdr_improvement
from .settings import Cell, ComparisonSettings

#: added to a cell's seed, so that masks are learned on other mixtures than those that fine-tuning starts with
_MASK_SEED = 1_000


class CellMaker:
    """Makes cells in this process, one after the other.

    Args:
        settings: the comparison.
        plans: folder for pruning plans, which fine-tuning starts from.
    """

    def __init__(self, settings: ComparisonSettings, plans: Path) -> None:
        self.settings, self.plans = settings, plans
        if settings.training.threads:
            torch.set_num_threads(settings.training.threads)
        self.dense = load_model(settings.training.model)

    def make(self, cell: Cell) -> dict[str, Any]:
        """A cell's result: score in dB by condition and on average, costs, and the seconds that it took."""
        started = time.monotonic()
        facts, separator = (self._pruned if cell.stage == "pruned" else self._tuned)(cell)
        scores = self.score(separator)
        return {
            **dataclasses.asdict(cell),
            "si_sdri": sum(scores.values()) / len(scores),
            "by_condition": scores,
            **facts,
            "seconds": round(time.monotonic() - started, 1),
        }

    def score(self, separator: nn.Module) -> dict[str, float]:
        """SI-SDR improvement in dB on the validation speakers, by condition."""
        return {name: si_sdr_improvement(separator, *mixtures) for name, mixtures in self._validation.items()}

    @cached_property
    def _validation(self) -> dict[str, Any]:
        return validation_mixtures(self.settings.training, self.dense)

    @cached_property
    def _prepared(self) -> Prepared:
        return prepare(self.dense, batch=training_batches(self.settings.training, separator=self.dense)[0])

    def _pruned(self, cell: Cell) -> tuple[dict[str, Any], nn.Module]:
        batches = training_batches(self.settings.training, cell.seed + _MASK_SEED, self.dense)
        result = prune(
            self._prepared,
            macs=1 - cell.reduction,
            method=cell.method,
            seed=cell.seed,
            steps=self.settings.mask_steps,
            data=DataLoader(batches, batch_size=None, shuffle=False),
        )
        self.plans.mkdir(parents=True, exist_ok=True)
        result.plan.save(self._plan_file(cell))
        report = result.report
        return {
            "macs_kept": report["macs_after"] / report["macs_before"],
            "params_kept": report["params_after"] / report["params_before"],
            "kept": {group["id"]: group["kept"] for group in report["groups"]},
        }, result.model

    def _tuned(self, cell: Cell) -> tuple[dict[str, Any], nn.Module]:
        pruned = PruningPlan.load(self._plan_file(cell)).apply(self.dense).requires_grad_()
        with tempfile.TemporaryDirectory() as folder:
            training = dataclasses.replace(self.settings.training, out=folder, seed=cell.seed)
            student = Learner(training, pruned)
            Trainer(training, [student]).run_updates(self.settings.updates)
        return {"updates": self.settings.updates}, student.average

    def _plan_file(self, cell: Cell) -> Path:
        return self.plans / f"{cell.method}-{cell.reduction:g}-{cell.seed}.json"
