"""Blind comparisons on the live stream: design, and a verdict in words that the answers carry."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepprune.errors import UserError
from sepprune.resources import asset
from sepprune.streaming import Ladder
from sepprune.study.design import MIXTURE
from sepprune.study.live import live_study, parse_compared, running, verdict
from sepprune.study.merge import merge, read_results
from sepprune.study.methods import TEST
from sepprune.study.results import read_result
from sepprune.study.session import Session, start_session


@pytest.fixture(scope="module")
def ladder() -> Ladder:
    return Ladder.load(asset("ladder"))


def answered(session: Session, right: int) -> Session:
    """Right answers to the first questions that count, wrong ones to the others."""
    count = 0
    while (trial := session.trial()) is not None:
        x = "A" if session.condition("X") == session.condition("A") else "B"
        wrong = "B" if x == "A" else "A"
        session.answer(x if trial.training or count < right else wrong, plays={"A": 1, "B": 1, "X": 1})
        count += not trial.training
    return session


def test_two_levels_and_the_mixture_for_training_run_side_by_side(ladder: Ladder) -> None:
    study = live_study(ladder, (4, 0))
    assert list(running(study).values()) == [0, 4, None]
    assert study.design.trials == 16 and study.design.baseline == "level-0"


def test_a_level_is_compared_with_the_mixture_as_the_baseline(ladder: Ladder) -> None:
    study = live_study(ladder, (4, None))
    assert running(study) == {MIXTURE: None, "level-4": 4}


@pytest.mark.parametrize("compared", [(0, 0), (None, None), (0,), (0, 99)])
def test_what_cannot_be_compared_is_refused(ladder: Ladder, compared: tuple[int | None, ...]) -> None:
    with pytest.raises(UserError):
        live_study(ladder, compared)


@pytest.mark.parametrize("text", ["", "0", "0,1,2", "0;4", "-1,4", "a,b"])
def test_words_that_name_no_pair_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="no pair of levels"):
        parse_compared(text)


@pytest.mark.parametrize(
    ("right", "words"),
    [
        (12, ("12 of 16 answers were right: you can tell level 4 from level 0", "0.038")),
        (11, ("does not show that you can tell level 4 from level 0", "0.11", "up to 87%")),
        (0, ("0 of 16 answers were right: this does not show", "probability of 1,", "up to 17%")),
    ],
)
def test_the_verdict_says_no_more_than_the_answers(
    ladder: Ladder, tmp_path: Path, right: int, words: tuple[str, ...]
) -> None:
    session = answered(start_session(live_study(ladder, (0, 4)), tmp_path, "me", seed=1), right)
    found = verdict(read_result(session.path))
    assert all(word in found for word in words) and found.count(". ") == 0


def test_sides_and_x_are_drawn_anew_for_every_question(ladder: Ladder, tmp_path: Path) -> None:
    session = start_session(live_study(ladder, (0, 4), 200), tmp_path, "me", seed=1)
    order = [one for one in read_result(session.path).order if one.phase == TEST]
    kinds = [(one.conditions, one.target) for one in order]
    assert all(30 < kinds.count(kind) < 70 for kind in set(kinds)) and len(set(kinds)) == 4


@pytest.mark.parametrize("compared", [(0, 4), (4, None)])
def test_results_of_several_listeners_can_be_merged(
    ladder: Ladder, tmp_path: Path, compared: tuple[int | None, ...]
) -> None:
    for number in range(3):
        answered(start_session(live_study(ladder, compared), tmp_path / "results", f"L{number}"), 15)
    report = merge(read_results([tmp_path / "results"]), tmp_path / "out")
    assert (report["listeners"], report["trials"]) == (3, 48)
    baseline = "level 0" if None not in compared else "the unprocessed mixture"
    assert f"Level 4 can be told from {baseline}" in report["conclusion"]
