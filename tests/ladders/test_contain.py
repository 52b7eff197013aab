"""A level that contains a lighter one keeps its channels and starts as it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from sepprune import prune
from sepprune.errors import UserError
from sepprune.ladders.contain import containing
from sepprune.pruning import Floor, PruningPlan, analyze
from sepprune.separators import build_separator

SETTINGS = {
    "skim": {"features": 16, "hidden": 24, "blocks": 2, "segment": 10, "memory": 8, "consistency": 6, "low_bins": 20},
    "conv-tasnet": {"bottleneck": 16, "hidden": 24, "blocks": 3, "dilations": 3},
}


def separator(family: str) -> nn.Module:
    torch.manual_seed(0)
    dense = build_separator(family, **SETTINGS[family])
    if dense.consistency is not None:
        nn.init.normal_(dense.consistency.share.weight)
    return dense


def fine_tuned(dense: nn.Module, macs: float, floor: Floor = Floor()) -> tuple[nn.Module, PruningPlan]:  # noqa: B008
    """A pruned level whose weights have moved since."""
    result = prune(dense, macs=macs, method="l1", floor=floor)
    with torch.no_grad():
        for weight in result.model.parameters():
            weight.mul_(1 + 0.1 * torch.randn_like(weight))
    return result.model, result.plan


@pytest.mark.parametrize("family", SETTINGS)
def test_it_computes_what_the_lighter_level_computes(family: str) -> None:
    dense = separator(family)
    light, plan = fine_tuned(dense, 0.4)
    start = containing(dense, light, plan, 0.7)
    mixture = 0.1 * torch.randn(2, 128 * 45)
    with torch.no_grad():
        torch.testing.assert_close(start.separator.eval()(mixture)[0], light.eval()(mixture)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", SETTINGS)
def test_it_spends_its_budget_on_the_channels_that_rank_next(family: str) -> None:
    dense = separator(family)
    light, plan = fine_tuned(dense, 0.4)
    start = containing(dense, light, plan, 0.7)
    assert start.plan is not None
    share = analyze(start.separator).macs_per_second / analyze(dense).macs_per_second
    assert 0.65 < share <= 0.7 and start.plan.budget == {"macs": 0.7}
    added: list[float] = []
    left: list[float] = []
    for group, lighter in zip(start.plan.groups, plan.groups, strict=True):
        assert set(group.keep) >= set(lighter.keep)
        if len(group.keep) == len(lighter.keep):
            continue  # a width that a norm fixes
        added += [group.scores[channel] for channel in set(group.keep) - set(lighter.keep)]
        left += [score for channel, score in enumerate(group.scores) if channel not in group.keep]
    assert added and (not left or min(added) >= max(left))


def test_new_channels_learn() -> None:
    dense = separator("skim")
    light, plan = fine_tuned(dense, 0.4)
    heavy = containing(dense, light, plan, 0.7).separator.requires_grad_()
    heavy(torch.randn(2, 128 * 35))[0].square().mean().backward()
    widest = heavy.network[0].project.weight.grad
    assert widest.shape[1] > light.network[0].project.weight.shape[1]
    assert float(widest.abs().sum(0).min()) > 0


def test_its_plan_rebuilds_it(tmp_path: object) -> None:
    dense = separator("skim")
    light, plan = fine_tuned(dense, 0.4)
    start = containing(dense, light, plan, 0.7)
    assert start.plan is not None
    rebuilt = PruningPlan.from_json(start.plan.to_json()).apply(dense)
    rebuilt.load_state_dict(start.separator.state_dict())


def test_blocks_that_the_lighter_level_lacks_stay_removed() -> None:
    dense = separator("skim")
    light, plan = fine_tuned(dense, 0.45, Floor(whole_branches=True, narrowest=20))
    assert plan.removals
    start = containing(dense, light, plan, 0.6)
    assert start.plan is not None and start.plan.removals == plan.removals
    mixture = 0.1 * torch.randn(1, 128 * 25)
    with torch.no_grad():
        torch.testing.assert_close(start.separator.eval()(mixture)[0], light.eval()(mixture)[0], rtol=1e-4, atol=1e-5)


def test_a_budget_below_the_lighter_levels_is_refused() -> None:
    dense = separator("skim")
    light, plan = fine_tuned(dense, 0.5)
    with pytest.raises(UserError, match="to be contained costs 0.5.* may cost 0.3: give a larger share"):
        containing(dense, light, plan, 0.3)


def test_a_level_that_would_compute_something_else_is_refused() -> None:
    dense = separator("skim")
    light, plan = fine_tuned(dense, 0.4)
    with torch.no_grad():
        light.mask.register_forward_hook(lambda _, inputs, output: 2 * output)  # what no weight tells
    with pytest.raises(UserError, match="a SkiM level cannot contain a lighter one: .* use `cut_from`"):
        containing(dense, light, replace(plan, seed=1), 0.7)
