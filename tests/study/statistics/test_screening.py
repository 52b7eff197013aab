"""Golden cases of BS.1534-3's post-screening: ten listeners, ten items."""

from __future__ import annotations

import numpy as np

from sepprune.study.statistics.screening import ANCHOR_RULE, REFERENCE_RULE, bimodality, screen

LISTENERS = [f"listener-{number}" for number in range(10)]


def scores(value: float, changed: dict[str, dict[int, float]] | None = None) -> dict[str, dict[str, float]]:
    return {
        name: {f"item-{item}": (changed or {}).get(name, {}).get(item, value) for item in range(10)}
        for name in LISTENERS
    }


def test_listeners_without_faults_stay() -> None:
    assert screen(scores(100), scores(30)) == ()


def test_one_low_reference_in_ten_items_is_allowed_and_two_are_not() -> None:
    faults = {"listener-1": {0: 89.0}, "listener-2": {0: 89.0, 1: 10.0}}
    found = screen(scores(100, faults), scores(30))
    assert [(one.listener, one.rule) for one in found] == [("listener-2", REFERENCE_RULE)]


def test_a_reference_of_exactly_ninety_and_an_anchor_of_exactly_ninety_are_allowed() -> None:
    assert screen(scores(90), scores(90)) == ()


def test_two_anchors_above_ninety_exclude() -> None:
    found = screen(scores(100), scores(30, {"listener-3": {0: 91.0, 1: 95.0}, "listener-4": {5: 95.0}}))
    assert [(one.listener, one.rule) for one in found] == [("listener-3", ANCHOR_RULE)]


def test_items_on_which_more_than_a_quarter_of_listeners_score_the_anchor_high_do_not_count() -> None:
    high = {0: 95.0, 1: 95.0}
    two, three = ({f"listener-{number}": high for number in range(count)} for count in (2, 3))
    assert {one.listener for one in screen(scores(100), scores(30, two))} == {"listener-0", "listener-1"}
    assert screen(scores(100), scores(30, three)) == ()


def test_both_rules_can_exclude_one_listener() -> None:
    found = screen(scores(100, {"listener-0": {0: 0.0, 1: 0.0}}), scores(30, {"listener-0": {2: 99.0, 3: 99.0}}))
    assert [one.rule for one in found] == [REFERENCE_RULE, ANCHOR_RULE]


def test_two_groups_of_listeners_are_bimodal() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(60, 3, 40), np.concatenate([rng.normal(20, 3, 20), rng.normal(90, 3, 20)])
    assert (bimodality(one) or 0) < 5 / 9 < (bimodality(two) or 0)
    assert bimodality(np.full(9, 50.0)) is None
