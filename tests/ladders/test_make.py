import json
import os
import textwrap
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sepprune.cli import main
from sepprune.pruning import PruningPlan
from sepprune.separators import build_separator
from sepprune.streaming import Ladder

MODEL = {"features": 16, "hidden": 24, "blocks": 2, "segment": 10, "memory": 8}


@pytest.fixture
def ladder_config(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
        monkeypatch.setenv(name, os.environ.get(name, "131072"))  # so that the command does not start itself again
    torch.manual_seed(0)
    save_file(build_separator("skim", **MODEL).state_dict(), tmp_path / "dense.safetensors")
    path = tmp_path / "ladder.toml"
    path.write_text(
        textwrap.dedent(f"""
        name = "small"
        out = "{tmp_path / "ladder"}"
        runs = "{tmp_path / "runs"}"
        reductions = [0.3, 0.6]
        mask_steps = 3
        [card]
        data = "synthetic voices"
        [training]
        data = "{data_folder}"
        threads = 1
        validation_mixtures = 2
        [training.model]
        name = "skim"
        settings = {{features = 16, hidden = 24, blocks = 2, segment = 10, memory = 8}}
        weights = "{tmp_path / "dense.safetensors"}"
        [training.mixtures]
        seconds = 0.8
        batch = 2
        """)
    )
    return path


def test_a_ladder_has_the_dense_model_and_every_reduction(ladder_config: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert main(["ladder", str(ladder_config), "--minutes", "0.02", "--json", str(report)]) == 0
    ladder = Ladder.load(tmp_path / "ladder")
    dense = ladder.levels[0].macs_per_second
    shares = [level.macs_per_second / dense for level in ladder.levels]
    assert shares == pytest.approx([1.0, 0.7, 0.4], abs=0.02)
    assert ladder.card["data"] == "synthetic voices"
    assert [entry["level"] for entry in json.loads(report.read_text())["levels"]] == [0, 1, 2]
    for level in ladder.levels:
        sources, _ = level.build()(torch.zeros(1, 1280))
        assert sources.shape == (1, 2, 1280)


def test_an_interrupted_ladder_goes_on_with_what_is_missing(ladder_config: Path, tmp_path: Path) -> None:
    assert main(["ladder", str(ladder_config), "--minutes", "0.02", "--levels", "2"]) == 0
    weights = tmp_path / "runs/level-2/best.safetensors"
    before = weights.stat().st_mtime_ns
    assert main(["ladder", str(ladder_config), "--minutes", "0.02"]) == 0
    assert weights.stat().st_mtime_ns == before
    assert len(Ladder.load(tmp_path / "ladder").levels) == 3


def test_levels_keep_multiples_of_what_is_asked_for(ladder_config: Path, tmp_path: Path) -> None:
    ladder_config.write_text("round_to = 4\n" + ladder_config.read_text())
    assert main(["ladder", str(ladder_config), "--minutes", "0.02", "--levels", "1"]) == 0
    groups = PruningPlan.load(tmp_path / "runs/level-1/plan.json").groups
    assert all(len(group.keep) % 4 == 0 or len(group.keep) == group.channels for group in groups)


def test_branches_go_whole_where_they_would_be_narrow(ladder_config: Path, tmp_path: Path) -> None:
    ladder_config.write_text(
        "whole_branches = true\nnarrowest = 20\n"
        + ladder_config.read_text().replace("batch = 2", 'batch = 2\n[training.optimiser]\nmethod = "muon"')
    )
    assert main(["ladder", str(ladder_config), "--minutes", "0.02", "--levels", "2"]) == 0
    report = json.loads((tmp_path / "runs/level-2/prune.json").read_text())
    kept = {group["id"]: group["kept"] for group in report["groups"]}
    units = [kept[f"network.{index}.lstm"] for index in range(2)]
    assert all(count == 0 or count >= 20 for count in units)
    assert report["removed"] == [f"network.{index}" for index, count in enumerate(units) if not count] != []
    sources, _ = Ladder.load(tmp_path / "ladder")[1].build()(torch.zeros(1, 1280))
    assert sources.shape == (1, 2, 1280)


def test_a_level_that_does_not_exist_is_refused(ladder_config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ladder", str(ladder_config), "--levels", "1,7"]) == 2
    assert "expected level numbers from 0 to 2" in capsys.readouterr().err


def test_levels_that_are_fine_tuned_together_hear_the_same_mixtures_and_keep_their_own_learning_rates(
    ladder_config: Path, tmp_path: Path
) -> None:
    ladder_config.write_text("learning_rates = [1e-3, 2e-3]\n" + ladder_config.read_text())
    report = tmp_path / "report.json"
    assert main(["ladder", str(ladder_config), "--minutes", "0.02", "--levels", "1,2", "--json", str(report)]) == 0
    one, other = json.loads(report.read_text())["levels"]
    assert one["steps"] == other["steps"] > 0
    rates = [
        json.loads((tmp_path / f"runs/level-{level}/settings.json").read_text())["optimiser"]["learning_rate"]
        for level in (1, 2)
    ]
    assert rates == [1e-3, 2e-3]


def test_learning_rates_for_some_of_the_levels_are_refused(
    ladder_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ladder_config.write_text("learning_rates = [1e-3]\n" + ladder_config.read_text())
    assert main(["ladder", str(ladder_config)]) == 2
    assert "1 learning_rates for 2 reductions: give one a level" in capsys.readouterr().err


def test_weights_of_more_than_eight_bits_are_refused(ladder_config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ladder_config.write_text("bits = 16\n" + ladder_config.read_text())
    assert main(["ladder", str(ladder_config)]) == 2
    assert "weights of 16 bits: give 2 to 8" in capsys.readouterr().err


def test_gradually_a_level_is_cut_out_of_the_one_before_it(ladder_config: Path, tmp_path: Path) -> None:
    ladder_config.write_text("gradual = true\n" + ladder_config.read_text())
    assert main(["ladder", str(ladder_config), "--minutes", "0.02", "--levels", "1"]) == 0
    assert main(["ladder", str(ladder_config), "--minutes", "0.02", "--levels", "2"]) == 0
    kept = [
        {group.id: set(group.keep) for group in PruningPlan.load(tmp_path / f"runs/level-{level}/plan.json").groups}
        for level in (1, 2)
    ]
    assert all(kept[1][name] <= kept[0][name] for name in kept[0]) and kept[0] != kept[1]
    dense, _, lightest = Ladder.load(tmp_path / "ladder").levels
    assert lightest.macs_per_second / dense.macs_per_second == pytest.approx(0.4, abs=0.02)
    heavier, start = (
        load_file(tmp_path / "runs" / file)["norm.weight"]
        for file in ("level-1/best.safetensors", "level-2/start.safetensors")
    )
    assert set(start.tolist()) <= set(heavier.tolist())
