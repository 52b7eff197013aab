"""Comparing pruning methods: the cells of the table, continuing after an interruption, the report and its picture."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from matplotlib.image import imread
from safetensors.torch import save_file

from sepprune.cli import main
from sepprune.commands.train import ALLOCATOR
from sepprune.comparison.cells import CellMaker
from sepprune.comparison.chart import draw
from sepprune.comparison.experiment import compare
from sepprune.comparison.report import best_rivals, report_of
from sepprune.comparison.settings import final_cells, load_comparison_settings, pruned_cells, tuned_cells
from sepprune.comparison.workers import CellStore, Workers
from sepprune.errors import UserError
from sepprune.separators import build_separator

MODEL = {"features": 8, "hidden": 8, "blocks": 2, "segment": 5, "memory": 8}
CONFIG = """
out = "{out}"
methods = ["sepprune", "taylor", "l1"]
seeds = [1]
reductions = [0.2, 0.4]
tuned_reduction = 0.4
finalists = 1
mask_steps = 2
updates = 2

[training]
data = "{data}"
validation_mixtures = 2
threads = 1

[training.model]
name = "skim"
settings = {{ features = 8, hidden = 8, blocks = 2, segment = 5, memory = 8 }}
weights = "{weights}"

[training.mixtures]
seconds = 0.32
batch = 2
"""


@pytest.fixture
def config(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, value in ALLOCATOR.items():
        monkeypatch.setenv(name, value)  # else the command would start itself again
    weights = tmp_path / "dense.safetensors"
    save_file(build_separator("skim", **MODEL).state_dict(), weights)
    path = tmp_path / "compare.toml"
    path.write_text(CONFIG.format(out=tmp_path / "out", data=data_folder, weights=weights))
    return path


def cell(stage: str, method: str, score: float, seed: int = 1, reduction: float = 0.4) -> dict:
    return {"stage": stage, "method": method, "reduction": reduction, "seed": seed, "si_sdri": score}


def test_every_method_is_pruned_everywhere_and_tuned_at_one_reduction(config: Path) -> None:
    settings = dataclasses.replace(load_comparison_settings(str(config)), seeds=(1, 2))
    assert len(set(pruned_cells(settings))) == 3 * 2 * 2
    assert {(item.method, item.reduction) for item in tuned_cells(settings)} == {
        ("sepprune", 0.4),
        ("taylor", 0.4),
        ("l1", 0.4),
    }
    assert {(item.method, item.reduction, item.seed) for item in final_cells(settings, ["l1"])} == {
        ("sepprune", 0.2, 1),
        ("sepprune", 0.2, 2),
        ("l1", 0.2, 1),
        ("l1", 0.2, 2),
    }


def test_the_best_rivals_are_those_with_the_highest_mean() -> None:
    tuned = [
        cell("tuned", "sepprune", 9.0),
        cell("tuned", "l1", 1.0),
        cell("tuned", "l1", 4.0, 2),
        cell("tuned", "l2", 2.0),
        cell("tuned", "random", -1.0),
    ]
    assert best_rivals(tuned, 2) == ["l1", "l2"]


def test_a_report_has_means_deviations_and_margins(config: Path) -> None:
    cells = [
        cell("pruned", "sepprune", 2.0),
        cell("pruned", "sepprune", 4.0, 2),
        cell("pruned", "l1", 1.0),
        cell("pruned", "taylor", 2.5),
    ]
    report = report_of(load_comparison_settings(str(config)), {"clean": 5.0, "noisy": 3.0}, cells, [])
    assert report["dense"] == 4.0
    assert report["rows"][0] == {
        "stage": "pruned",
        "method": "sepprune",
        "reduction": 0.4,
        "si_sdri": 3.0,
        "deviation": pytest.approx(2**0.5),
        "seeds": 2,
    }
    assert report["margins"] == [{"stage": "pruned", "reduction": 0.4, "rival": "taylor", "margin": 0.5}]


def test_a_comparison_runs_from_start_to_end_in_processes_and_is_not_made_twice(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["compare", str(config), "--processes", "2", "--json", "-"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {(row["stage"], row["method"], row["reduction"]) for row in report["rows"]} == {
        *(("pruned", method, reduction) for method in ("sepprune", "taylor", "l1") for reduction in (0.2, 0.4)),
        *(("tuned", method, 0.4) for method in ("sepprune", "taylor", "l1")),
        ("tuned", "sepprune", 0.2),
        ("tuned", report["finalists"][0], 0.2),
    }
    assert all(item["macs_kept"] <= 1 - item["reduction"] for item in report["cells"] if item["stage"] == "pruned")
    assert imread(tmp_path / "out" / "comparison.png").shape[1] > 300
    assert json.loads((tmp_path / "out" / "comparison.json").read_text()) == report
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "cells").iterdir()}
    finished: list[int] = []
    again = compare(load_comparison_settings(str(config)), 1, lambda count, total, what: finished.append(count))
    assert again == report and finished == list(range(1, len(report["cells"]) + 1))
    assert written == {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "cells").iterdir()}


def test_fine_tuning_takes_the_batches_of_the_seed_whatever_the_method(config: Path, tmp_path: Path) -> None:
    maker = CellMaker(load_comparison_settings(str(config)), tmp_path / "plans")
    for method in ("l1", "taylor"):
        for seed in (1, 2):
            pruned = next(
                item
                for item in pruned_cells(dataclasses.replace(maker.settings, seeds=(1, 2)))
                if (item.method, item.seed, item.reduction) == (method, seed, 0.4)
            )
            maker.make(pruned)
    scores: dict[tuple[str, int], object] = {}
    for method in ("l1", "taylor"):
        for seed in (1, 2):
            before = maker.dense.state_dict()["mask.bias"].clone()
            result = maker.make(dataclasses.replace(pruned, stage="tuned", method=method, seed=seed))
            scores[method, seed] = result["si_sdri"]
            assert maker.dense.state_dict()["mask.bias"].equal(before)  # fine-tuning leaves the dense model alone
    assert scores["l1", 1] != scores["l1", 2]
    again = maker.make(dataclasses.replace(pruned, stage="tuned", method="l1", seed=1))
    assert again["si_sdri"] == scores["l1", 1]


def test_cells_of_other_settings_are_not_mixed_in(config: Path) -> None:
    settings = load_comparison_settings(str(config))
    CellStore(settings)
    CellStore(dataclasses.replace(settings, seeds=(1, 2, 3)))  # more cells of the same kind
    with pytest.raises(UserError, match=r"made with other settings \(updates\)"):
        CellStore(dataclasses.replace(settings, updates=3))


def test_a_worker_reports_an_error_of_the_user(config: Path) -> None:
    settings = dataclasses.replace(load_comparison_settings(str(config)), reductions=(0.4, 0.999))
    CellStore(settings)
    with Workers(settings, 1) as workers, pytest.raises(UserError, match="cannot be met"):
        workers.run([item for item in pruned_cells(settings) if item.reduction == 0.999][:1], lambda _: None)


def test_the_picture_has_every_reduction_and_stage(tmp_path: Path) -> None:
    cells = [
        cell(stage, method, score, seed, reduction)
        for stage in ("pruned", "tuned")
        for reduction in (0.4, 0.6)
        for seed in (1, 2)
        for method, score in (("sepprune", 3.0 + seed), ("l1", 2.0))
    ]
    draw(
        {"cells": cells, "methods": ["sepprune", "l1"], "reductions": [0.4, 0.6], "dense": 5.0, "updates": 3},
        tmp_path / "picture.png",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"methods": ("sepprune", "magic")}, "no pruning method is called 'magic'"),
        ({"methods": ("l1", "l2")}, "name sepprune and at least one rival"),
        ({"tuned_reduction": 0.5}, "choose one of the reductions"),
        ({"reductions": (0.4, 1.2)}, "no share of the multiply-adds"),
        ({"seeds": ()}, "at least one seed"),
    ],
)
def test_a_mistake_in_the_settings_is_named(config: Path, change: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        dataclasses.replace(load_comparison_settings(str(config)), **change)


@pytest.mark.parametrize("processes", ["-1", "0", f"1{'0' * 30}"])
def test_a_number_of_processes_that_is_not_possible_is_one_sentence(
    config: Path, processes: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["compare", str(config), f"--processes={processes}"]) == 2
    assert capsys.readouterr().err.endswith(f"--processes {processes} is not possible: give 1 to 1024\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dense.safetensors", "cannot read the weights"),
        ("updates", "unknown entry 'updatez'"),
    ],
)
def test_a_mistake_exits_2_with_one_sentence_and_makes_no_folder(
    config: Path, text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    config.write_text(config.read_text().replace(text, {"updates": "updatez"}.get(text, "none.safetensors")))
    assert main(["compare", str(config)]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("settings.json", "{", "settings.json is not valid JSON"),
        ("settings.json", "[" * 100_000, "settings.json is not valid JSON"),
        ("cells/CELL.json", "{", r"\.json is not valid JSON"),
        ("cells/CELL.json", "[]", r"\.json holds a JSON list, expected an object"),
        ("cells/CELL.json", '{"stage": "tuned"}', r"has 'stage' 'tuned', expected 'pruned'"),
        ("cells/CELL.json", None, r"has 'si_sdri' 'high', expected a number"),
    ],
    ids=["open", "deep", "open cell", "list", "another cell", "no number"],
)
def test_a_damaged_file_of_a_comparison_is_a_sentence(config: Path, name: str, content: str | None, words: str) -> None:
    settings = load_comparison_settings(str(config))
    store = CellStore(settings)
    wanted = pruned_cells(settings)[0]
    if content is None:
        content = json.dumps({**dataclasses.asdict(wanted), "si_sdri": "high"})
    (store.folder / name.replace("CELL", wanted.name)).write_text(content)
    with pytest.raises(UserError, match=words):
        CellStore(settings).read(wanted)
