"""A ladder of three levels at 8 kHz, made of an imported separator as the commands make it."""

from __future__ import annotations

from pathlib import Path

from sepprune.cli import main
from sepprune.models import load_named
from sepprune.pruning import analyze, prune
from sepprune.streaming import Ladder, LevelRecord, write_ladder
from tests.importing.checkpoints import asteroid, espnet


def imported(folder: Path, kind: str, separator: str = "skim") -> Path:
    """The folder that ``sepprune import`` writes from a checkpoint of this kind."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "asteroid":
        asteroid(folder)
    else:
        espnet(folder, separator)
    assert main(["import", kind, str(folder), "--out", str(folder / "imported"), "--json", str(folder / "i.json")]) == 0
    return folder / "imported"


def narrowband_ladder(folder: Path) -> Path:
    """Folder of three levels of ESPnet's SkiM: dense, 60 % and 30 % of the multiply-adds."""
    level = Ladder.load(imported(folder / "checkpoint", "espnet"))[0]
    dense = load_named(str(level.folder))
    records = [
        LevelRecord(level.model, level.settings, None, dense.state_dict(), {"macs_per_second": level.macs_per_second})
    ]
    for macs in (0.6, 0.3):
        result = prune(dense, macs=macs, method="l2")
        facts = {"macs_per_second": analyze(result.model).macs_per_second}
        records.append(LevelRecord(level.model, level.settings, result.plan, result.model.state_dict(), facts))
    return write_ladder(folder / "ladder", "imported", records).folder
