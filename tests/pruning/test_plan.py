"""Plans: plain data that makes a pruned module, with clear errors for files and modules that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from sepprune.errors import UserError
from sepprune.pruning import PruningPlan, prune
from sepprune.pruning.edits import Cut, Removal, SizeEdit
from sepprune.pruning.plan import GroupPlan

PLAN = PruningPlan(
    "Sequential",
    "l1",
    {"macs": 0.5},
    3,
    (GroupPlan("0", 3, (0, 2), (0.5, 0.1, 0.7)),),
    (Cut("0.weight", 0, (0, 2)), Cut("0.bias", 0, (0, 2)), Cut("1.weight", 1, (0, 2))),
    (SizeEdit("0", "out_features", (), 2), SizeEdit("", "sizes", (1,), 2)),
)


def module() -> nn.Module:
    torch.manual_seed(0)
    sequential = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 1))
    sequential.sizes = (4, 3)
    return sequential


def test_a_plan_survives_a_file(tmp_path: Path) -> None:
    PLAN.save(tmp_path / "plan.json")
    assert PruningPlan.load(tmp_path / "plan.json") == PLAN
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_apply_cuts_a_copy() -> None:
    dense = module()
    pruned = PLAN.apply(dense)
    assert torch.equal(pruned[0].weight, dense[0].weight[[0, 2]])
    assert torch.equal(pruned[1].weight, dense[1].weight[:, [0, 2]])
    assert (pruned[0].out_features, pruned.sizes, dense.sizes) == (2, (4, 2), (4, 3))
    assert pruned[0].weight.requires_grad and dense[0].weight.shape == (3, 4)


def test_two_plans_one_after_the_other_are_one_plan() -> None:
    dense = module()
    later = PruningPlan(
        "Sequential",
        "l1",
        {"macs": 0.5},
        4,
        (GroupPlan("0", 2, (1,), (0.2, 0.9)),),
        (Cut("0.weight", 0, (1,)), Cut("0.bias", 0, (1,)), Cut("1.weight", 1, (1,))),
        (SizeEdit("0", "out_features", (), 1), SizeEdit("", "sizes", (1,), 1)),
    )
    both = PLAN.then(later)
    at_once, in_turn = both.apply(dense), later.apply(PLAN.apply(dense))
    assert all(map(torch.equal, at_once.state_dict().values(), in_turn.state_dict().values()))
    assert (at_once[0].out_features, at_once.sizes) == (in_turn[0].out_features, in_turn.sizes) == (1, (4, 1))
    assert both.groups == (GroupPlan("0", 3, (2,), (0.2, 0.1, 0.9)),)
    assert both.budget == {"macs": 0.25}


def test_earlier_cuts_inside_a_branch_that_a_later_plan_removes_are_dropped() -> None:
    class Branched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.branch = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 4))
            self.head = nn.Linear(4, 1)

    narrowed = PruningPlan(
        "Branched",
        "l1",
        {},
        0,
        (),
        (
            Cut("branch.0.weight", 0, (0, 2)),
            Cut("branch.0.bias", 0, (0, 2)),
            Cut("branch.1.weight", 1, (0, 2)),
            Cut("branch.0.weight", 1, (0, 1, 3)),
            Cut("branch.1.weight", 0, (0, 1, 3)),
            Cut("branch.1.bias", 0, (0, 1, 3)),
            Cut("head.weight", 1, (0, 1, 3)),
        ),
        (SizeEdit("branch.0", "out_features", (), 2),),
    )
    removed = PruningPlan(
        "Branched",
        "l1",
        {},
        0,
        (),
        (Cut("branch.bias", 0, (1, 2)), Cut("head.weight", 1, (1, 2))),
        (),
        (Removal("branch", "1.bias", -1),),
    )
    dense = Branched()
    at_once, in_turn = narrowed.then(removed).apply(dense), removed.apply(narrowed.apply(dense))
    assert at_once.state_dict().keys() == in_turn.state_dict().keys() == {"branch.bias", "head.weight", "head.bias"}
    assert all(map(torch.equal, at_once.state_dict().values(), in_turn.state_dict().values()))
    assert torch.equal(at_once.branch.bias, dense.branch[1].bias[[1, 3]])


def test_tied_parameters_stay_tied() -> None:
    dense = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    dense[1].weight = dense[0].weight
    plan = PruningPlan("Sequential", "l1", {}, 0, (), (Cut("0.weight", 0, (1,)),))
    pruned = plan.apply(dense)
    assert pruned[1].weight is pruned[0].weight and pruned[0].weight.shape == (1, 3)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 1)), "keeps index 2 of dimension 0 of 0.weight"),
        (nn.Sequential(nn.ReLU()), "cuts 0.weight, which Sequential does not have"),
    ],
)
def test_a_plan_for_another_module_is_refused(other: nn.Module, words: str) -> None:
    with pytest.raises(UserError, match=words):
        PLAN.apply(other)


def test_a_plan_for_fewer_channels_is_refused() -> None:
    def of_width(channels: int) -> nn.Module:
        return nn.Sequential(nn.Conv1d(1, channels, 3), nn.ReLU(), nn.Conv1d(channels, 2, 1))

    mixture = torch.randn(1, 1, 40)
    result = prune(of_width(32), mixture, macs=0.5, method="l2")
    later = prune(result.model, mixture, macs=0.7, method="l2")
    plan = PruningPlan.from_json(result.plan.then(later.plan).to_json())
    assert plan.apply(of_width(32))[2].in_channels < 16
    with pytest.raises(UserError, match=r"for 32 values along dimension 0 of 0.weight, whose shape is \(48, 1, 3\)"):
        plan.apply(of_width(48))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "nothing",
        json.dumps({"format": "sepprune-plan", "version": 1}),
        json.dumps({"format": "sepprune-plan", "version": 99}),
    ],
)
def test_a_file_that_is_not_a_plan_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content)
    with pytest.raises(UserError):
        PruningPlan.load(path)


def test_a_plan_of_an_earlier_release_has_no_sizes_of_what_it_cuts() -> None:
    data = PLAN.to_json()
    for cut in data["cuts"]:
        del cut["size"]
    assert PruningPlan.from_json(data) == PLAN


@pytest.mark.parametrize(
    ("name", "sentence"), [("missing/plan.json", "there is no folder"), ("folder", "it is a folder")]
)
def test_a_place_where_no_plan_can_be_written_is_named(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=f"cannot write .*{name}: {sentence}"):
        PLAN.save(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read .*none.json"):
        PruningPlan.load(tmp_path / "none.json")
