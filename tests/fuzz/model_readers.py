"""Readers of models of other programs, of pruned models, and of what runs of training leave to be continued."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import torch

from sepprune.comparison.settings import Cell, load_comparison_settings
from sepprune.comparison.workers import CellStore
from sepprune.importing import import_checkpoint
from sepprune.ladders.runs import LevelRun
from sepprune.pruning import load_pruned, prune
from sepprune.separators import build_separator
from sepprune.training.records import RunFolder
from tests.fuzz.reader import Reader
from tests.importing.checkpoints import asteroid, espnet

ROOT = Path(__file__).resolve().parents[2]


def model_readers(folder: Path) -> list[Reader]:
    """Their good files are made in ``folder``."""
    return [*_imported(folder), *_pruned(folder), *_runs(folder)]


def _imported(folder: Path) -> list[Reader]:
    for name in ("espnet", "espnet-config", "asteroid"):
        (folder / name).mkdir()
    espnet(folder / "espnet", "skim")
    espnet(folder / "espnet-config", "tcn")
    asteroid(folder / "asteroid")

    def reader(name: str, kind: str, program: str, place: str, file: str, weight: float) -> Reader:
        path = folder / place / file
        return Reader(
            name, kind, path, (path.read_bytes(),), lambda: import_checkpoint(program, str(folder / place)), weight
        )

    return [
        reader("ESPnet checkpoint", "zip", "espnet", "espnet", "valid.loss.best.pth", 0.2),
        reader("ESPnet settings", "text", "espnet", "espnet-config", "config.yaml", 0.5),
        reader("Asteroid checkpoint", "zip", "asteroid", "asteroid", "pytorch_model.bin", 0.2),
    ]


def _pruned(folder: Path) -> list[Reader]:
    module = build_separator("skim", features=8, hidden=8, blocks=2, segment=5, memory=8)
    prune(module, macs=0.5, method="l1").save(folder / "pruned")

    def reader(name: str, kind: str, file: str) -> Reader:
        path = folder / "pruned" / file
        other = next(one for one in ("plan.json", "model.safetensors") if one != file)
        beside = (folder / "pruned" / other).read_bytes()

        def read() -> None:
            (folder / "pruned" / other).write_bytes(beside)  # the other reader has left a variant
            load_pruned(folder / "pruned", module)

        return Reader(name, kind, path, (path.read_bytes(),), read, 0.5)

    return [
        reader("plan of a model", "json", "plan.json"),
        reader("pruned model", "bytes", "model.safetensors"),
    ]


def _runs(folder: Path) -> list[Reader]:
    run = RunFolder(folder / "run")
    state = {"steps": 3, "module": {"weight": torch.ones(4, 4)}, "score": 1.5}
    run.save(state, None, {"audio_hours": 0.5, "si_sdri": 1.0})
    checkpoint, finished = run.path / "last.pt", run.path / "finished.json"
    cpu = torch.device("cpu")
    settings = load_comparison_settings(str(ROOT / "experiments" / "comparison" / "settings.toml"))
    model = dataclasses.replace(settings.training.model, weights=None)
    training = dataclasses.replace(settings.training, model=model)
    settings = dataclasses.replace(settings, out=str(folder / "cells"), training=training)
    store = CellStore(settings)
    marker, cell = store.folder / "settings.json", Cell("pruned", "l1", 0.4, 1)
    store.write(cell, {**dataclasses.asdict(cell), "si_sdri": 3.0})
    result = store._file(cell)
    report = json.dumps({"best_si_sdri": 1.0, "steps": 3}).encode()
    return [
        Reader("training run", "zip", checkpoint, (checkpoint.read_bytes(),), lambda: run.load_checkpoint(cpu), 0.5),
        Reader("finished level", "json", finished, (report,), lambda: LevelRun(run.path).report(), 0.2),
        Reader("comparison", "json", marker, (marker.read_bytes(),), lambda: CellStore(settings), 0.2),
        Reader("cell of a comparison", "json", result, (result.read_bytes(),), lambda: store.read(cell), 0.2),
    ]
