"""The paper's claims, tested on the separator that ships; each experiment writes a JSON file beside this one.

    python docs/claims/claims.py DATA [EXPERIMENT ...] [--processes 2]

- finetuning: quality after 0, 0.1, 0.5 and 1 epoch of fine-tuning at 40 % fewer parameters, with Adam and with Muon
- scratch: a model of that size from fresh weights, for 1 and 3 epochs (configs/scratch.toml: for 38)
- joint: masks and weights learned together, against masks first and weights afterwards
- steps: how many updates the masks need
- hints: fine-tuning whose loss asks for the dense level's features, too, its filterbank frozen, against one without
- front: every level of the ladder, pruned and fine-tuned, and from fresh weights, the same updates each

An epoch is one pass over the training speech. What is finished is kept in runs/claims: started again, it goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
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
from sepprune.pruning import PruningPlan, analyze, prepare, prune
from sepprune.pruning.pipeline import Prepared
from sepprune.separators import build_separator
from sepprune.streaming import Ladder
from sepprune.training.batches import ordered_batches, training_batches, validation_mixtures
from sepprune.training.hints import Hints
from sepprune.training.losses import ordered_snr_loss
from sepprune.training.settings import TrainingSettings, load_settings
from sepprune.training.student import Student
from sepprune.training.trainer import Trainer
from sepprune.training.validation import si_sdr_improvement

HERE = Path(__file__).parent
#: hours of speech in the training split: what one epoch hears
EPOCH_HOURS = 9.6
#: how fine-tuning learns: as a few minutes of it do best, and as the ladder's heaviest pruned level did
GENTLE = {"adam": {"method": "adam", "learning_rate": 6e-4},
          "muon": {"method": "muon", "learning_rate": 8e-4, "ema": 0.999}}
GENTLE["hints"] = {**GENTLE["muon"], "frozen": ("encoder", "low_encoder", "decoder")}
#: so that masks are learned on mixtures that fine-tuning does not start with
MASK_SEED = 1_000
MASK_STEPS = 300


@dataclass(frozen=True)
class Job:
    """One model to make and score.

    Args:
        name: of its result.
        keep: what it keeps of the dense model, ``("params", 0.6)`` or ``("macs", 0.4)``; or a level's own plan.
        start: ``pruned`` keeps the dense weights, ``scratch`` draws fresh ones, ``joint`` trains weights while masks
            are learned.
        epochs: of training afterwards.
        mask_steps: updates of the masks.
        method: of fine-tuning, in :data:`GENTLE`.
    """

    name: str
    keep: tuple[str, float] | int
    start: str
    epochs: float
    mask_steps: int = MASK_STEPS
    method: str = "adam"


SIZE = ("params", 0.6)
EXPERIMENTS = {
    "finetuning": [Job(f"finetuned-{epochs:g}", SIZE, "pruned", epochs) for epochs in (0, 0.1, 0.5, 1)]
    + [Job(f"finetuned-{epochs:g}-muon", SIZE, "pruned", epochs, method="muon") for epochs in (1, 0.5)],
    "scratch": [Job(f"scratch-{epochs}", SIZE, "scratch", epochs) for epochs in (1, 3)],
    "joint": [Job(f"joint-{epochs:g}", SIZE, "joint", epochs) for epochs in (0, 0.1, 0.5)],
    "steps": [Job(f"steps-{steps}-{epochs:g}", ("macs", 0.4), "pruned", epochs, steps)
              for epochs in (0, 0.1) for steps in (1100, 900, 700, 500, 300, 100)],
    "hints": [Job("shipped-0", SIZE, "pruned", 0)]
    + [Job(f"shipped-1-{method}", SIZE, "pruned", 1, method=method) for method in ("hints", "muon")],
    "front": [Job(f"front-{level}-{start}", level, start, 0.5)
              for level in (2, 4, 5, 6) for start in ("scratch", "pruned")],
}


class Maker:
    """Makes jobs in one process."""

    def __init__(self, settings: TrainingSettings) -> None:
        torch.set_num_threads(settings.threads)
        self.settings, self.ladder = settings, Ladder.load(None)
        self.dense = self.ladder[0].build()

    def make(self, job: Job) -> dict[str, Any]:
        """Its scores in dB and costs."""
        separator = self._trained(job, self._student(job)) if job.epochs else self._student(job)
        scores = self.score(separator)
        costs = analyze(separator)
        return {**dataclasses.asdict(job), "si_sdri": sum(scores.values()) / len(scores), "by_condition": scores,
                "params": costs.params, "macs_per_second": costs.macs_per_second}

    def score(self, separator: nn.Module) -> dict[str, float]:
        return {name: si_sdr_improvement(separator, *mixtures)
                for name, mixtures in validation_mixtures(self.settings).items()}

    def _student(self, job: Job) -> nn.Module:
        if job.start == "joint":
            return self._learned_together(job)
        plan = self._plan(job)
        if job.start == "pruned":
            return plan.apply(self.dense)
        torch.manual_seed(self.settings.seed)
        return plan.apply(build_separator(self.settings.model.name, **self.settings.model.settings))

    def _trained(self, job: Job, separator: nn.Module) -> nn.Module:
        optimiser, teacher = self.settings.optimiser, None
        if job.start != "scratch":
            optimiser, teacher = dataclasses.replace(optimiser, **GENTLE[job.method]), self.dense
        mixtures = self.settings.mixtures
        updates = round(job.epochs * EPOCH_HOURS * 3600 / (mixtures.seconds * mixtures.batch))
        with tempfile.TemporaryDirectory() as folder:
            training = dataclasses.replace(self.settings, out=folder, optimiser=optimiser)
            hints = Hints(self.dense, self._plan(job), training.hints) if job.method == "hints" else None
            student = Student(training, separator.requires_grad_(), hints=hints)
            Trainer(training, [student], teacher).run_updates(updates)
        return student.average

    def _plan(self, job: Job) -> PruningPlan:
        if isinstance(job.keep, int):
            level = self.ladder[job.keep]
            return PruningPlan.load(level.folder / level.plan)
        path = Path(self.settings.out) / f"plan-{job.keep[0]}-{job.keep[1]:g}-{job.mask_steps}.json"
        if not path.is_file():
            self._prune(self._prepared(), job, lambda step, loss: None).save(path)
        return PruningPlan.load(path)

    def _learned_together(self, job: Job) -> nn.Module:
        """Masks as always, and after every one of their updates one of the weights, by the same gradients."""
        prepared = self._prepared()
        weights = prepared.structure.module.requires_grad_()
        optimiser = torch.optim.Adam(weights.parameters(), lr=GENTLE[job.method]["learning_rate"])

        def update(step: int, loss: float) -> None:
            nn.utils.clip_grad_norm_(weights.parameters(), self.settings.optimiser.clip)
            optimiser.step()
            optimiser.zero_grad()

        optimiser.zero_grad()
        return self._prune(prepared, job, update).apply(weights)

    def _prune(self, prepared: Prepared, job: Job, progress: Callable[[int, float], None]) -> PruningPlan:
        kind, share = job.keep
        return prune(prepared, **{kind: share}, steps=job.mask_steps, loss=ordered_snr_loss, progress=progress,
                     data=ordered_batches(self.settings, self.dense, MASK_SEED)).plan

    def _prepared(self) -> Prepared:
        return prepare(self.dense, batch=training_batches(self.settings)[0])


def work(settings: TrainingSettings, job: Job) -> None:
    """Make a job in this process and keep what came out."""
    path = _result(settings, job)
    content = json.dumps(Maker(settings).make(job), indent=1) + "\n"
    path.with_suffix(".part").write_text(content, encoding="utf-8")
    os.replace(path.with_suffix(".part"), path)


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
        parser.error(f"{unknown.pop()} is no experiment: choose from {', '.join(EXPERIMENTS)}")
    settings = load_settings(str(HERE.parents[1] / "configs/claims.toml"), data=args.data)
    Path(settings.out).mkdir(parents=True, exist_ok=True)
    dense = Path(settings.out) / "dense.json"
    if not dense.is_file():
        maker = Maker(settings)
        scores, costs = maker.score(maker.dense), analyze(maker.dense)
        dense.write_text(json.dumps({"si_sdri": sum(scores.values()) / len(scores), "by_condition": scores,
                                     "params": costs.params, "macs_per_second": costs.macs_per_second}))
    for name in args.experiments or EXPERIMENTS:
        jobs = EXPERIMENTS[name]
        missing = [job for job in jobs if not _result(settings, job).is_file()]
        with ProcessPoolExecutor(args.processes, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
            running = {pool.submit(work, settings, job): job for job in missing}
            for future in as_completed(running):
                future.result()
                print(_result(settings, running[future]).read_text(), flush=True)
        found = {"dense": json.loads(dense.read_text()),
                 "jobs": [json.loads(_result(settings, job).read_text()) for job in jobs]}
        (HERE / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
