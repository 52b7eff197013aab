"""Results of the claims experiments, as tables and pictures read them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TypedDict

from ..common import read_json

FOLDER = Path(__file__).parent


class Scored(TypedDict):
    """Scores and cost of a model."""

    si_sdri: float
    params: int
    macs_per_second: float


class JobResult(Scored):
    """Scores and cost of a job, and the fields of :class:`~.claims.Job` that tables and pictures use."""

    keep: list[str | float] | int
    start: str
    epochs: float
    mask_steps: int
    method: str
    seed: int


class Result(TypedDict):
    """Result of one experiment; ``epoch_hours`` is the training speech of one epoch in hours."""

    epoch_hours: float
    dense: Scored
    jobs: list[JobResult]


def read(experiment: str) -> Result:
    """The result of one experiment of ``claims.py``."""
    found: Result = read_json(FOLDER / f"{experiment}.json")
    return found


def from_scratch() -> list[tuple[float, float]]:
    """Epochs and SI-SDRi in dB of the model from fresh weights, at every validation."""
    epoch = read("finetuning")["epoch_hours"]
    with open(FOLDER / "scratch-long.csv", newline="", encoding="utf-8") as file:
        return [(float(row["audio_hours"]) / epoch, float(row["si_sdri"])) for row in csv.DictReader(file)]


def best_epoch() -> JobResult:
    """One epoch of fine-tuning by the best method."""
    [job] = [job for job in read("finetuning")["jobs"] if (job["epochs"], job["method"]) == (1, "batch-1")]
    return job
