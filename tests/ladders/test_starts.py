"""Levels before fine-tuning."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sepprune.errors import UserError
from sepprune.ladders.settings import load_ladder_settings
from sepprune.ladders.starts import continued, cut
from sepprune.pruning import analyze
from sepprune.separators import build_separator
from sepprune.streaming import Ladder, LevelRecord, write_ladder
from sepprune.training.settings import ModelSettings
from tests.ladders.conftest import MODEL


@pytest.fixture
def ladder(tmp_path: Path) -> Ladder:
    torch.manual_seed(0)
    state = build_separator("skim", **MODEL).state_dict()
    return write_ladder(
        tmp_path / "earlier", "small", [LevelRecord("skim", MODEL, None, state, {"macs_per_second": 1})]
    )


def test_a_level_keeps_its_share_of_the_dense_macs_and_reports_its_masks(ladder_config: Path) -> None:
    settings = load_ladder_settings(str(ladder_config))
    dense = build_separator("skim", **MODEL)
    steps: list[int] = []
    start = cut(settings, 1, dense, dense, None, lambda step, loss: steps.append(step))
    assert analyze(start.separator).macs_per_second / analyze(dense).macs_per_second == pytest.approx(0.7, abs=0.02)
    assert steps == [0, 1, 2] and start.facts["cut_from_level"] == 0


def test_a_level_of_another_ladder_is_taken_over(ladder: Ladder) -> None:
    start = continued(ladder, 0, ModelSettings("skim", MODEL))
    torch.testing.assert_close(start.separator.state_dict(), ladder.build(0).state_dict(), rtol=0, atol=0)
    assert start.plan is None


def test_it_gets_mixture_consistency_where_that_is_asked_for(ladder: Ladder) -> None:
    start = continued(ladder, 0, ModelSettings("skim", {**MODEL, "consistency": 4}))
    assert start.separator.consistency.units == 4


@pytest.mark.parametrize("model", [ModelSettings("skim", {**MODEL, "hidden": 32}), ModelSettings("conv-tasnet")])
def test_a_ladder_of_another_separator_is_refused(ladder: Ladder, model: ModelSettings) -> None:
    with pytest.raises(UserError, match=r"has a skim with blocks = 2, .*\[training.model\] asks for .*: give the same"):
        continued(ladder, 0, model)
