"""Tests the paper's claims on the bundled dense separator; each experiment writes ``EXPERIMENT.json`` beside this file.

    python -m experiments.claims.claims DATA [EXPERIMENT ...] [--processes 2]

- finetuning: quality after 0, 0.1, 0.5 and 1 epoch of fine-tuning with 40 % fewer parameters. Four methods: Adam; Muon;
  Muon with hints and the filterbank frozen; the same with one mixture per update
- repeated: the last of these with other mixtures for masks and fine-tuning, and with a third of the mask updates
- joint: masks and weights learned together, against masks first and weights afterwards
- steps: how many updates the masks need
- front: the bundled ladder, and four of its shapes after half an epoch from the dense weights and from fresh ones

An epoch is one pass over the training speech. Finished jobs are kept in ``runs/claims``; a second start continues with
the missing ones.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sepprune.commands.train import keep_memory
from sepprune.ladders.hints import Hints
from sepprune.losses import ordered_snr_loss
from sepprune.pruning import PruningPlan, analyze, prepare, prune
from sepprune.pruning.pipeline import Prepared
from sepprune.separators import build_separator
from sepprune.streaming import Ladder
from sepprune.training.batches import ordered_batches, training_batches, validation_mixtures
from sepprune.training.learner import Learner
from sepprune.training.settings import TrainingSettings
from sepprune.training.trainer import Trainer
from sepprune.training.validation import si_sdr_improvement

from ..bundled import plan_of
from ..bundled import settings as load_settings
from ..common import read_json, run_script, write_json

HERE = Path(__file__).parent
#: hours of speech in the training split, which is one epoch
EPOCH_HOURS = 9.6
#: added to a job's seed, so that masks and fine-tuning see different mixtures
MASK_SEED = 1_000
MASK_STEPS = 900


@dataclass(frozen=True)
class Method:
    """A method of fine-tuning.

    Args:
        optimiser: settings that replace those of settings.toml.
        hints: whether the loss also compares features with the dense level's.
        batch: mixtures per update; ``None`` takes the number in settings.toml.
    """

    optimiser: dict[str, Any]  # fields of OptimiserSettings, which have different types
    hints: bool = False
    batch: int | None = None


#: Adam's learning rate is the best of a few short trials; Muon's is that of the ladder's heaviest pruned level
MUON = {"method": "muon", "learning_rate": 8e-4, "ema": 0.999}
HINTED = {**MUON, "frozen": ("encoder", "low_encoder", "decoder")}
METHODS = {
    "adam": Method({"method": "adam", "learning_rate": 6e-4}),
    "muon": Method(MUON),
    "hints": Method(HINTED, hints=True),
    "batch-1": Method({**HINTED, "learning_rate": 6e-4}, hints=True, batch=1),
}


@dataclass(frozen=True)
class Job:
    """One model to make and score.

    Args:
        name: name of its result file.
        keep: budget, ``("params", 0.6)`` or ``("macs", 0.4)``; or the number of a bundled level, whose plan is used.
        start: ``pruned`` keeps the dense weights, ``scratch`` draws fresh ones, ``joint`` trains weights while masks
            are learned, ``shipped`` takes the bundled level unchanged.
        epochs: epochs of training after the cut.
        mask_steps: mask updates.
        method: key in :data:`METHODS`; models from scratch take only its batch size.
        seed: seed of the mixtures for masks and for training.
    """

    name: str
    keep: tuple[str, float] | int
    start: str
    epochs: float
    mask_steps: int = MASK_STEPS
    method: str = "adam"
    seed: int = 0

    @property
    def level(self) -> int:
        """Number of the bundled level whose plan is used."""
        if not isinstance(self.keep, int):
            raise ValueError(f"{self.name} has a budget, not a level")
        return self.keep

    @property
    def budget(self) -> tuple[str, float]:
        """Kind of cost, and share of it that is kept."""
        if isinstance(self.keep, int):
            raise ValueError(f"{self.name} has a level, not a budget")
        return self.keep


SIZE = ("params", 0.6)
EXPERIMENTS = {
    "finetuning": [Job("cut", SIZE, "pruned", 0)]
    + [
        Job(f"finetuned-{epochs:g}-{method}", SIZE, "pruned", epochs, method=method)
        for epochs in (1, 0.5, 0.1)
        for method in METHODS
    ],
    "repeated": [Job(f"repeated-seed-{seed}", SIZE, "pruned", 1, method="batch-1", seed=seed) for seed in (1, 2)]
    + [Job("repeated-steps-300", SIZE, "pruned", 1, 300, "batch-1")],
    "joint": [Job(f"joint-{epochs:g}", SIZE, "joint", epochs) for epochs in (0, 0.1, 0.5)],
    "steps": [
        Job(f"steps-{steps}-{epochs:g}", ("macs", 0.4), "pruned", epochs, steps)
        for epochs in (0, 0.1)
        for steps in (1100, 900, 700, 500, 300, 100)
    ],
    "front": [
        Job(f"front-{level}-{start}", level, start, 0.5, method="batch-1")
        for level in (2, 4, 5, 6)
        for start in ("scratch", "pruned")
    ]
    + [Job(f"front-{level}-shipped", level, "shipped", 0) for level in range(1, 8)],
}


class Maker:
    """Makes and scores models in one process."""

    def __init__(self, settings: TrainingSettings) -> None:
        torch.set_num_threads(settings.threads)
        self.settings, self.ladder = settings, Ladder.load(None)
        self.dense = self.ladder.build(0)

    def make(self, job: Job) -> dict[str, object]:
        """Make the model of a job, and return the job with scores in dB and costs."""
        separator = self._start(job)
        if job.epochs:
            separator = self._trained(job, separator)
        return {**dataclasses.asdict(job), **self.facts(separator)}

    def facts(self, separator: nn.Module) -> dict[str, object]:
        """Scores in dB and costs of a model."""
        scores, costs = self.score(separator), analyze(separator)
        return {
            "si_sdri": sum(scores.values()) / len(scores),
            "by_condition": scores,
            "params": costs.params,
            "macs_per_second": costs.macs_per_second,
        }

    def score(self, separator: nn.Module) -> dict[str, float]:
        """SI-SDRi in dB by condition, on the validation mixtures."""
        return {
            name: si_sdr_improvement(separator, *mixtures)
            for name, mixtures in validation_mixtures(self.settings).items()
        }

    def _start(self, job: Job) -> nn.Module:
        """The model before training."""
        if job.start == "shipped":
            return self.ladder.build(job.level)
        if job.start == "joint":
            return self._learned_together(job)
        plan = self._plan(job)
        if job.start == "pruned":
            return plan.apply(self.dense)
        torch.manual_seed(self.settings.seed)
        return plan.apply(build_separator(self.settings.model.name, **self.settings.model.settings))

    def _trained(self, job: Job, separator: nn.Module) -> nn.Module:
        method, settings, teacher, hints = METHODS[job.method], self.settings, None, None
        mixtures = dataclasses.replace(settings.mixtures, batch=method.batch or settings.mixtures.batch)
        updates = round(job.epochs * EPOCH_HOURS * 3600 / (mixtures.seconds * mixtures.batch))
        optimiser = settings.optimiser
        if job.start != "scratch":
            optimiser, teacher = dataclasses.replace(optimiser, **method.optimiser), self.dense
            hints = Hints(teacher, self._plan(job), settings.hints) if method.hints else None
        with tempfile.TemporaryDirectory() as folder:
            training = dataclasses.replace(settings, out=folder, optimiser=optimiser, mixtures=mixtures, seed=job.seed)
            student = Learner(training, separator.requires_grad_(), hints=hints)
            Trainer(training, [student], teacher).run_updates(updates)
        return student.average

    def _plan(self, job: Job) -> PruningPlan:
        if isinstance(job.keep, int):
            return plan_of(self.ladder[job.level])
        kind, share = job.budget
        path = Path(self.settings.out) / f"plan-{kind}-{share:g}-{job.mask_steps}-{job.seed}.json"
        if not path.is_file():
            self._prune(self._prepared(), job, lambda step, loss: None).save(path)
        return PruningPlan.load(path)

    def _learned_together(self, job: Job) -> nn.Module:
        """Update the weights after every mask update, with the same gradients."""
        prepared = self._prepared()
        weights = prepared.structure.module.requires_grad_()
        optimiser = torch.optim.Adam(weights.parameters(), lr=METHODS[job.method].optimiser["learning_rate"])

        def update(step: int, loss: float) -> None:
            nn.utils.clip_grad_norm_(weights.parameters(), self.settings.optimiser.clip)
            optimiser.step()
            optimiser.zero_grad()

        optimiser.zero_grad()
        return self._prune(prepared, job, update).apply(weights)

    def _prune(self, prepared: Prepared, job: Job, progress: Callable[[int, float], None]) -> PruningPlan:
        kind, share = job.budget
        return prune(
            prepared,
            params=share if kind == "params" else None,
            macs=share if kind == "macs" else None,
            steps=job.mask_steps,
            loss=ordered_snr_loss,
            progress=progress,
            data=ordered_batches(self.settings, self.dense, MASK_SEED + job.seed),
        ).plan

    def _prepared(self) -> Prepared:
        return prepare(self.dense, batch=training_batches(self.settings)[0])


def work(settings: TrainingSettings, job: Job) -> None:
    """Make one model in this process and store its result."""
    path = _result(settings, job)
    part = path.with_suffix(".part")
    write_json(part, Maker(settings).make(job))
    os.replace(part, path)


def _result(settings: TrainingSettings, job: Job) -> Path:
    return Path(settings.out) / f"{job.name}.json"


def main() -> None:
    keep_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help=", ".join(EXPERIMENTS))
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    if unknown := set(args.experiments) - set(EXPERIMENTS):
        parser.error(f"{unknown.pop()} is not an experiment: expected {', '.join(EXPERIMENTS)}")
    settings = load_settings(args.data)
    Path(settings.out).mkdir(parents=True, exist_ok=True)
    dense = Path(settings.out) / "dense.json"
    if not dense.is_file():
        maker = Maker(settings)
        write_json(dense, maker.facts(maker.dense))
    for name in args.experiments or EXPERIMENTS:
        jobs = EXPERIMENTS[name]
        missing = [job for job in jobs if not _result(settings, job).is_file()]
        with ProcessPoolExecutor(args.processes, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
            running = {pool.submit(work, settings, job): job for job in missing}
            for future in as_completed(running):
                future.result()
                print(_result(settings, running[future]).read_text(encoding="utf-8"), flush=True)
        results = [dataclasses.asdict(job) | read_json(_result(settings, job)) for job in jobs]
        found = {"epoch_hours": EPOCH_HOURS, "dense": read_json(dense), "jobs": results}
        write_json(HERE / f"{name}.json", found)


if __name__ == "__main__":
    run_script(main)
