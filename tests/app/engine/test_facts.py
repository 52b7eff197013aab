"""Facts of levels, from the ladder to words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from app.engine.facts import Trial, level_facts, summary


@dataclass(frozen=True)
class Stored:
    """A level as a ladder stores it."""

    level: int
    params: int = 10
    macs_per_second: float = 5.0
    si_sdri: Mapping[str, float] | None = None


LADDER = [Stored(k, macs_per_second=180e6 * share) for k, share in enumerate((1.0, 0.75, 0.55, 0.4, 0.22, 0.1))]


def test_shares_are_fractions_of_dense_in_the_order_of_levels() -> None:
    levels = level_facts(LADDER[::-1])
    assert [level.level for level in levels] == [0, 1, 2, 3, 4, 5]
    assert [level.share for level in levels] == pytest.approx([1, 0.75, 0.55, 0.4, 0.22, 0.1])


def test_names_are_dense_or_the_saving() -> None:
    assert [level.name for level in level_facts(LADDER)[:3]] == ["Dense", "−25 %", "−45 %"]


def test_conditions_without_a_value_are_left_out() -> None:
    [facts] = level_facts([Stored(0, si_sdri={"clean": 5.0, "room": None, "x": math.nan})])  # type: ignore[dict-item]
    assert facts.si_sdri == {"clean": 5.0}


def test_a_quality_that_was_not_measured_is_empty() -> None:
    assert level_facts([Stored(0)])[0].si_sdri == {}


def test_a_ladder_without_levels_has_no_facts() -> None:
    assert level_facts([]) == ()


def test_the_summary_names_what_computes_each_run_of_levels() -> None:
    trials = [
        Trial(level, "openvino", precision, p50_ms, 40.0, chosen)
        for level, precision, p50_ms, chosen in (
            (2, "fp32", 0.08, True),
            (0, "fp32", 0.25, False),
            (0, "int8", 0.13, True),
            (1, "fp32", 0.10, True),
        )
    ]
    assert summary(trials) == "level 0 openvino int8 (0.13 ms), levels 1 to 2 openvino fp32 (0.10 to 0.08 ms)"


def test_the_summary_of_nothing_is_empty() -> None:
    assert summary([]) == ""
