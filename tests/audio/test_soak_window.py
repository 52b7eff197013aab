"""The program that uses the window for an hour works itself: a short run, and what it calls a problem."""

from __future__ import annotations

from typing import Any

import pytest

from tests import soak_window
from tests.stalls import Stall, StallWatch


def found(**changes: Any) -> dict[str, Any]:
    """Figures of a run without a problem."""
    used = {"memory": 10**8, "files": 20, "threads": 3}
    return {
        "longest_freeze_s": 0.3,
        "counters": dict.fromkeys(soak_window.COUNTERS, 0),
        "losses": [],
        "rows": [{"window": used, "engine": used}] * 12,
        "recordings": [20.0],
    } | changes


def test_a_quiet_run_has_no_problem() -> None:
    assert soak_window.problems(found()) == []


def test_sound_that_is_lost_while_the_machine_stalls_is_no_problem_of_the_program() -> None:
    watch = StallWatch()
    watch.stalls.append(Stall(10.0, 10.02, processor=0))
    losses = soak_window.explained([soak_window.Loss("ring_underruns", 1, 10.05, 10.1, 3.0, 0.001)], watch)
    assert losses[0]["stall_s"] == 0.02
    assert soak_window.problems(found(losses=losses)) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"losses": [{"counter": "ring_underruns", "count": 2, "stall_s": 0.0}]},
            "ring_underruns is 2 where the machine did not stall",
        ),
        ({"longest_freeze_s": 3.0}, "the window did not answer for 3.0 s"),
        ({"recordings": [20.0, None]}, "recordings are damaged"),
        ({"recordings": []}, "recordings are damaged"),
        (
            {
                "rows": [
                    {name: {"memory": 10**8, "files": row, "threads": 3} for name in ("window", "engine")}
                    for row in range(12)
                ]
            },
            "files of the window grew from 4 to 11",
        ),
    ],
)
def test_a_problem_is_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in " ".join(soak_window.problems(found(**changes)))


def test_a_short_run_has_figures_and_whole_recordings() -> None:
    result = soak_window.soak(0.4)
    assert result["counters"]["chunks"] > 1000 and result["actions"] > 15
    assert result["recordings"] and None not in result["recordings"]
