"""Residual branches that a budget leaves without channels are removed whole, checked like any other surgery."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sepprune.errors import UserError
from sepprune.pruning import Floor, PruneResult, PruningPlan, analyze, prune
from sepprune.pruning.branches import with_branches
from sepprune.pruning.edits import Bypass, Removal
from sepprune.pruning.graph.trace import trace
from sepprune.pruning.objective import Objective, freeze
from sepprune.pruning.proof import prove
from sepprune.pruning.removals import close_branches
from sepprune.pruning.structure import Structure, discover
from sepprune.pruning.surgery import cut, difference
from sepprune.separators import build_separator
from tests.pruning.small_separators import shake

MIXTURE = 0.1 * torch.randn(1, 160, generator=torch.Generator().manual_seed(1))
WHOLE = Floor(2, 0.0, whole_branches=True)


class Branch(nn.Module):
    """A residual branch of two hidden layers; without the second it adds its last bias, without the first more."""

    def __init__(self, channels: int, bias: bool) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(channels, 8, 1), nn.Conv1d(8, 6, 3, padding=1)
        self.norm, self.last = nn.GroupNorm(1, 6), nn.Conv1d(6, channels, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.last(self.norm(self.second(self.first(x).relu())))


class Two(Branch):
    """A branch whose second result is not a state: it is not recognised."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.first(x).relu()
        return x + self.last(self.norm(self.second(hidden))), hidden.mean()


class Late(Branch):
    """A branch with a convolution over time after the last layer of its groups: the rest depends on the padding."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, True)
        self.after = nn.Conv1d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.after(x * self.last(self.second(self.first(x))))


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Conv1d(1, 5, 4, 4), nn.ConvTranspose1d(5, 2, 4, 4)
        self.blocks = nn.Sequential(Branch(5, True), Branch(5, False))
        self.two, self.late = Two(5, True), Late(5)

    def forward(self, mixture: Tensor) -> Tensor:
        hidden, extra = self.two(self.blocks(self.into(mixture.unsqueeze(1))))
        return self.out(self.late(hidden)) + 0 * extra


@cache
def structure() -> Structure:
    torch.manual_seed(0)
    return with_branches(prove(discover(freeze(shake(Network())), [(MIXTURE,)])))


@cache
def sudormrf() -> nn.Module:
    torch.manual_seed(0)
    return shake(build_separator("sudormrf-1.0x", bottleneck=6, hidden=8, blocks=3, scales=2, basis=8))


@cache
def causal(family: str) -> Structure:
    torch.manual_seed(0)
    sizes = {
        "skim": {"features": 6, "hidden": 5, "segment": 4, "memory": 3, "low_bins": 3},
        "conv-tasnet": {"bottleneck": 6, "hidden": 5, "consistency": 4},
    }[family]
    module = shake(build_separator(family, blocks=3, hop=4, window=8, analysis_window=16, **sizes))
    return with_branches(prove(discover(freeze(module), [(MIXTURE,)])))


@cache
def without_middle() -> PruneResult:
    """All of the middle block's channels have to go for this budget."""
    dense = analyze(sudormrf(), MIXTURE)
    (middle,) = [group for group in dense.groups if group["id"].startswith("network.1.")]
    return prune(
        sudormrf(),
        MIXTURE,
        macs=1 - middle["macs_per_second"] / dense.macs_per_second + 1e-9,
        method="l1",
        include=["network.1.*"],
        exclude=["network.0.*"],
        floor=WHOLE,
    )


def test_submodules_that_add_to_their_input_are_branches_and_others_are_left_alone() -> None:
    found = {branch.module: (len(branch.groups), len(branch.free), branch.bias) for branch in structure().branches}
    assert found == {"blocks.0": (2, 1, "last.bias"), "blocks.1": (2, 1, None)}


def test_an_empty_group_removes_its_branch() -> None:
    branch = structure().branches[0]
    kept = structure().group_of != branch.free[0]
    closed = close_branches(structure(), kept)
    assert (closed == ~np.isin(structure().group_of, branch.groups)).all()
    assert close_branches(structure(), np.ones_like(kept)).all()


def test_only_groups_of_branches_may_be_empty() -> None:
    least = Floor(2, 0.0).of(structure().sizes, structure().removable)
    assert {index for index, floor in enumerate(least) if floor == 0} == set(structure().removable)


def test_a_budget_removes_a_branch_with_its_operators() -> None:
    result = without_middle()
    assert result.report["removed"] == ["network.1"]
    assert result.report["max_relative_difference"] < 1e-4
    operators = [
        sum(node.op == "call_function" for node in trace(module, (MIXTURE,)).graph.graph.nodes)
        for module in (sudormrf(), result.model)
    ]
    assert operators[1] < operators[0] - 10


def test_costs_are_those_of_the_remaining_model() -> None:
    result = without_middle()
    again = analyze(result.model, MIXTURE)
    assert again.params == result.report["params_after"]
    assert again.macs_per_second == pytest.approx(result.report["macs_after"])
    assert set(result.model.state_dict()) == {
        name for name in sudormrf().state_dict() if not name.startswith("network.1.")
    } | {"network.1.bias"}


def test_the_remaining_bias_is_cut_with_the_trunk() -> None:
    trunk = structure().group_of == [group.id for group in structure().groups].index("into")
    kept = close_branches(structure(), structure().group_of != structure().branches[0].free[0])
    kept[np.flatnonzero(trunk)[:2]] = False
    pruned = cut(structure(), kept)
    assert isinstance(pruned.blocks[0], Bypass) and pruned.blocks[0].bias.shape == (3,)
    assert difference(structure(), pruned, kept)[1] < 1e-4


def test_a_plan_makes_the_model_without_the_branch(tmp_path) -> None:
    result = without_middle()
    result.plan.save(tmp_path / "plan.json")
    rebuilt = PruningPlan.load(tmp_path / "plan.json").apply(sudormrf())
    assert torch.equal(rebuilt(MIXTURE), result.model(MIXTURE))
    assert PruningPlan.load(tmp_path / "plan.json") == result.plan
    assert [name for name, _ in sudormrf().named_modules() if isinstance(sudormrf().get_submodule(name), Bypass)] == []


def test_branches_stay_unless_their_removal_is_allowed() -> None:
    result = prune(sudormrf(), MIXTURE, macs=0.5, method="random", floor=Floor(2, 0.0))
    assert result.report["removed"] == [] and min(group["kept"] for group in result.report["groups"]) >= 2


def test_masks_of_an_empty_branch_have_finite_gradients() -> None:
    objective = Objective(structure(), lambda estimate, target: (estimate - target).square().mean(), 2)
    gates = torch.from_numpy(~np.isin(structure().group_of, structure().branches[0].groups)).float().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(gates, (MIXTURE, torch.zeros(1, 2, 160))), gates)
    assert gradient.isfinite().all() and gradient.any()


@pytest.mark.parametrize("family", ["skim", "conv-tasnet"])
@pytest.mark.parametrize("gone", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)])
def test_causal_blocks_are_removed_with_their_states(family: str, gone: tuple[int, ...]) -> None:
    found = causal(family)
    assert [(branch.module, branch.state) for branch in found.branches] == [
        (f"network.{index}", True) for index in range(3)
    ]
    kept = close_branches(found, ~np.isin(found.group_of, [found.branches[index].free[0] for index in gone]))
    pruned = cut(found, kept)
    assert [isinstance(block, Bypass) for block in pruned.network] == [index in gone for index in range(3)]
    assert difference(found, pruned, kept)[1] < 1e-5
    states = pruned.initial_network_state(1)[: 3 if family == "conv-tasnet" else 6]
    assert [state.numel() == 0 for state in states] == [
        index * 3 // len(states) in gone for index in range(len(states))
    ]


def test_plans_record_whether_a_branch_has_a_state_and_older_plans_mean_no(tmp_path) -> None:
    plan = PruningPlan("SkiM", "l1", {}, 0, (), (), (), (Removal("network.0", None, -1, state=True),))
    plan.save(tmp_path / "plan.json")
    assert PruningPlan.load(tmp_path / "plan.json") == plan
    old = plan.to_json()
    del old["removals"][0]["state"]
    assert PruningPlan.from_json(old).removals == (Removal("network.0", None, -1),)


def test_a_plan_for_another_module_is_refused() -> None:
    plan = PruningPlan("SuDoRMRF", "l1", {}, 0, (), (), (), (Removal("network.9", "project.bias", -2),))
    with pytest.raises(UserError, match=r"removes network\.9, which SuDoRMRF does not have"):
        plan.apply(sudormrf())
