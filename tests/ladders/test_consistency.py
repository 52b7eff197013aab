"""Levels that were trained without mixture consistency can get it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sepprune import prune
from sepprune.errors import UserError
from sepprune.ladders.consistency import with_consistency
from sepprune.separators import build_separator
from sepprune.streaming import Ladder, LevelRecord, write_ladder

SKIM = {"features": 16, "hidden": 24, "blocks": 2, "segment": 10, "memory": 8}


@pytest.fixture
def ladder(tmp_path: Path) -> Ladder:
    torch.manual_seed(0)
    dense = build_separator("skim", **SKIM)
    pruned = prune(dense, macs=0.5, method="l1")
    facts = {"macs_per_second": 1.0}
    records = [
        LevelRecord("skim", SKIM, None, dense.state_dict(), facts),
        LevelRecord("skim", SKIM, pruned.plan, pruned.model.state_dict(), facts),
    ]
    return write_ladder(tmp_path / "ladder", "small", records)


@pytest.mark.parametrize("number", [0, 1])
def test_a_level_computes_what_it_did_until_the_shares_are_learned(ladder: Ladder, number: int) -> None:
    separator, _ = with_consistency(ladder[number], 6)
    mixture = 0.1 * torch.randn(2, 128 * 25)
    with torch.no_grad():
        torch.testing.assert_close(separator(mixture)[0], ladder.build(number)(mixture)[0])
    separator.requires_grad_()(mixture)[0].square().mean().backward()
    assert float(separator.consistency.share.weight.grad.abs().max()) > 0


def test_the_plan_rebuilds_a_pruned_level_with_consistency(ladder: Ladder) -> None:
    separator, plan = with_consistency(ladder[1], 6)
    assert plan is not None
    rebuilt = plan.apply(build_separator("skim", **SKIM, consistency=6))
    rebuilt.load_state_dict(separator.state_dict())


def test_nothing_changes_where_nothing_is_asked_for(ladder: Ladder) -> None:
    separator, plan = with_consistency(ladder[0], 0)
    assert separator.consistency is None and plan is None


def test_a_separator_that_does_not_grow_is_refused(tmp_path: Path) -> None:
    settings = {"bottleneck": 16, "hidden": 24, "blocks": 3, "dilations": 3}
    record = LevelRecord(
        "conv-tasnet",
        settings,
        None,
        build_separator("conv-tasnet", **settings).state_dict(),
        {"macs_per_second": 1.0},
    )
    with pytest.raises(UserError, match="only SkiM grows"):
        with_consistency(write_ladder(tmp_path, "tcn", [record])[0], 6)
