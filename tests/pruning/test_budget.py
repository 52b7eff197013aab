"""Budgets: never exceeded, used as far as possible, with floors and multiples, best channels first."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepprune.errors import UserError
from sepprune.pruning.budget import Budget, Floor, keep_best
from sepprune.pruning.cost import macs_cost, params_cost
from sepprune.pruning.objective import freeze
from sepprune.pruning.structure import Branch, Structure, discover
from sepprune.pruning.surgery import cut
from tests.pruning.small_separators import MIXTURE, build


@cache
def structure() -> Structure:
    return discover(freeze(build("global norms and skips")), [(MIXTURE,)])


def counts(kept: np.ndarray) -> np.ndarray:
    return np.bincount(structure().group_of[kept], minlength=len(structure().groups))


@given(st.floats(0.3, 1.0), st.integers(0, 99), st.sampled_from([1, 2, 4]))
@settings(max_examples=15)
def test_the_budget_holds_and_no_further_channel_fits(share: float, seed: int, round_to: int) -> None:
    floor = Floor(2, 0.0)
    budget = Budget.of("macs", share, macs_cost(structure(), 1.0), structure(), floor)
    scores = np.random.default_rng(seed).normal(size=int(structure().sizes.sum()))
    kept = counts(keep_best(structure(), budget, scores, floor, round_to))
    assert budget.cost.total(kept) <= budget.limit or (kept == -(-2 // round_to) * round_to).all()
    assert (kept >= floor.of(structure().sizes)).all()
    assert all(number % round_to == 0 or number == size for number, size in zip(kept, structure().sizes, strict=True))
    for group, size in enumerate(structure().sizes):
        if kept[group] < size:
            more = kept + np.eye(len(kept), dtype=int)[group] * min(round_to, size - kept[group])
            assert budget.cost.total(more) > budget.limit


@given(st.integers(0, 99))
@settings(max_examples=10)
def test_a_group_keeps_its_best_channels(seed: int) -> None:
    budget = Budget.of("params", 0.5, params_cost(structure()), structure(), Floor(2))
    scores = np.random.default_rng(seed).normal(size=int(structure().sizes.sum()))
    kept = keep_best(structure(), budget, scores, Floor(2))
    for group in range(len(structure().groups)):
        mine = structure().group_of == group
        assert (mine & kept).sum() and scores[mine & kept].min() >= scores[mine & ~kept].max(initial=-np.inf)


@given(st.integers(0, 99))
@settings(max_examples=3)
def test_costs_of_kept_channels_are_those_of_the_cut_module(seed: int) -> None:
    kept = np.random.default_rng(seed).random(int(structure().sizes.sum())) < 0.6
    kept[np.cumsum(structure().sizes) - 1] = True
    pruned = cut(structure(), kept)
    assert params_cost(structure()).total(counts(kept)) == sum(value.numel() for value in pruned.parameters())
    again = discover(freeze(pruned), [(MIXTURE,)])
    assert macs_cost(structure(), 1.0).total(counts(kept)) == pytest.approx(macs_cost(again, 1.0).total(again.sizes))


@given(st.floats(0.2, 0.9), st.integers(0, 99), st.integers(2, 6))
@settings(max_examples=15)
def test_branches_have_the_requested_width_or_are_removed_and_no_further_channel_fits(
    share: float, seed: int, narrowest: int
) -> None:
    branched = replace(
        structure(),
        branches=tuple(
            Branch(str(group), (group,), (group,), None, -1) for group in range(0, len(structure().groups), 2)
        ),
    )
    floor = Floor(2, 0.0, whole_branches=True, narrowest=narrowest)
    budget = Budget.of("macs", share, macs_cost(branched, 1.0), branched, floor)
    scores = np.random.default_rng(seed).normal(size=int(branched.sizes.sum()))
    kept = counts(keep_best(branched, budget, scores, floor))
    wide = [kept[group] >= min(narrowest, branched.sizes[group]) for group in branched.removable if kept[group]]
    assert all(wide) or len(wide) == 1
    for group in np.flatnonzero((kept > 0) & (kept < branched.sizes)):
        assert budget.cost.total(kept + np.eye(len(kept), dtype=int)[group]) > budget.limit


def test_a_budget_below_the_floor_is_refused_with_the_smallest_possible_one() -> None:
    with pytest.raises(UserError, match="every channel group at its floor"):
        Budget.of("macs", 0.01, macs_cost(structure(), 1.0), structure(), Floor(4))


@pytest.mark.parametrize("channels", range(1, 12))
def test_the_budget_that_a_refusal_names_can_be_met(channels: int) -> None:
    cost, floor = macs_cost(structure(), 1.0), Floor(channels, 0.0)
    with pytest.raises(UserError) as error:
        Budget.of("macs", 1e-6, cost, structure(), floor)
    [named] = re.findall(r"(\d\.\d{3}) of the dense cost", str(error.value))
    assert Budget.of("macs", float(named), cost, structure(), floor).share == float(named)


def test_a_budget_that_multiples_of_channels_cannot_meet_is_refused_with_the_smallest_possible_one() -> None:
    cost, floor = macs_cost(structure(), 1.0), Floor(2, 0.0)
    with pytest.raises(UserError, match=r"0.5 for macs cannot be met in multiples of 64 channels: .* 1.000 of"):
        Budget.of("macs", 0.5, cost, structure(), floor, round_to=64)
    least = float(cost.total(floor.in_multiples(structure().sizes, 4)) / cost.total(structure().sizes))
    assert Budget.of("macs", least, cost, structure(), floor, round_to=4).share == least
    with pytest.raises(UserError, match="multiples of 4 channels"):
        Budget.of("macs", least - 1e-6, cost, structure(), floor, round_to=4)
