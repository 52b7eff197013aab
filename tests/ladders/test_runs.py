"""The run folder of a level: what is written whole is found again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from sepprune import prune
from sepprune.errors import UserError
from sepprune.ladders.runs import LevelRun, Start
from sepprune.separators import build_separator


def separator() -> nn.Module:
    torch.manual_seed(0)
    return build_separator("skim", features=16, hidden=24, blocks=2, segment=10, memory=8)


def test_a_pruned_level_is_built_from_its_plan_and_weights(tmp_path: Path) -> None:
    run, dense = LevelRun(tmp_path / "level-1"), separator()
    result = prune(dense, macs=0.5, method="l1")
    run.save_start(Start(result.model, result.plan, {"cut_from_level": 0}))
    built = run.build(dense, run.start_file)
    torch.testing.assert_close(built.state_dict(), result.model.state_dict(), rtol=0, atol=0)
    assert run.plan() == result.plan and run.weights_file == run.start_file


def test_the_dense_separator_is_never_changed(tmp_path: Path) -> None:
    dense = separator()
    with torch.no_grad():
        LevelRun(tmp_path).build(dense, None).mask.weight.zero_()
    assert bool(dense.mask.weight.any())


def test_a_new_run_has_nothing(tmp_path: Path) -> None:
    run = LevelRun(tmp_path / "level-2")
    assert run.plan() is None and run.weights_file is None and run.report() is None and not run.has_checkpoint


def test_a_finished_run_keeps_its_report_and_no_temporary_file(tmp_path: Path) -> None:
    run = LevelRun(tmp_path / "level-2")
    run.finish({"steps": 3})
    assert run.report() == {"steps": 3}
    assert [path.name for path in run.folder.iterdir()] == ["finished.json"]


@pytest.mark.parametrize("content", ["{", "[1]", "[" * 100_000], ids=["open", "list", "deep"])
def test_a_damaged_report_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "finished.json").write_text(content)
    with pytest.raises(UserError, match="finished.json .*: remove it to continue the fine-tuning"):
        LevelRun(tmp_path).report()
