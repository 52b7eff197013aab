from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sepprune.errors import UserError
from sepprune.study.analysis import analyse
from sepprune.study.design import ABX, MUSHRA, PREFERENCE, RATING, THRESHOLD
from sepprune.study.listeners import simulated
from sepprune.study.merge import read_results
from sepprune.study.simulate import Simulation, simulate, simulated_session
from tests.study.studies import small_study


def simulation(
    folder: Path, method: str, listener: str, sessions: int, repeats: int = 1, **settings: object
) -> Simulation:
    study = small_study(folder, method, **settings)
    return simulate(study, simulated(listener), sessions, folder / "results", repeats=repeats)


@pytest.mark.parametrize("open_ended", [False, True])
def test_of_two_thousand_guessers_at_most_five_percent_are_positive(tmp_path: Path, open_ended: bool) -> None:
    found = simulation(tmp_path, ABX, "guess", 2000, levels=(0, 4), open_ended=open_ended)
    assert found.false_alarms is not None and found.false_alarms <= 0.05
    assert found.interval_coverage is not None and found.interval_coverage >= 0.95
    assert found.power is None


@pytest.mark.parametrize("open_ended", [False, True])
def test_several_comparisons_do_not_give_guessers_more_false_alarms(tmp_path: Path, open_ended: bool) -> None:
    found = simulation(tmp_path, ABX, "guess", 150, levels=(0, 2, 4, 6), open_ended=open_ended)
    assert found.false_alarms is not None and found.false_alarms <= 0.05


def test_who_hears_everything_is_always_found(tmp_path: Path) -> None:
    found = simulation(tmp_path, ABX, "perfect", 30)
    assert (found.power, found.false_alarms, found.unit) == (1.0, None, "session")


def test_thresholds_are_found_within_one_level_through_the_trial_logic(tmp_path: Path) -> None:
    levels = (0, 1, 2, 3, 4, 5, 6, 7)
    for threshold in (2.5, 4.2, 6.0):
        folder = tmp_path / str(threshold)
        found = simulation(folder, THRESHOLD, f"threshold={threshold}", 60, levels=levels)
        assert found.power is not None and found.power >= 0.95
        assert found.interval_coverage is not None and found.interval_coverage >= 0.90


def test_guessers_hear_no_difference_in_the_threshold_method(tmp_path: Path) -> None:
    found = simulation(tmp_path, THRESHOLD, "guess", 100, levels=(0, 1, 2, 3, 4, 5, 6, 7))
    assert found.false_alarms is not None and found.false_alarms <= 0.05


def test_studies_of_listeners_who_hear_nothing_reject_in_at_most_five_percent(tmp_path: Path) -> None:
    study, rejected = small_study(tmp_path, ABX, levels=(0, 2, 4)), []
    for number in range(100):
        results = [simulated_session(study, simulated("threshold=99"), (0, number, index))[0] for index in range(8)]
        rejected.append(any((one.p_adjusted or 1) <= 0.05 for one in analyse(results).levels))
    assert np.mean(rejected) <= 0.05


@pytest.mark.parametrize("method", [MUSHRA, RATING, PREFERENCE])
def test_listeners_who_hear_no_pruning_reject_in_at_most_five_percent_of_studies(tmp_path: Path, method: str) -> None:
    found = simulation(tmp_path, method, "threshold=99", 12, 120 if method == MUSHRA else 60, levels=(0, 2, 4, 6))
    assert found.false_alarms is not None and found.false_alarms <= 0.05
    assert found.interval_coverage is not None and found.interval_coverage >= 0.90


@pytest.mark.parametrize("method", [MUSHRA, PREFERENCE])
def test_listeners_who_hear_pruning_are_found_in_most_studies(tmp_path: Path, method: str) -> None:
    found = simulation(tmp_path, method, "threshold=2.5", 12, 20, levels=(0, 2, 6))
    assert found.power is not None and found.power >= 0.8


def test_guessers_are_screened_out_of_mushra(tmp_path: Path) -> None:
    study = small_study(tmp_path, MUSHRA)
    results = [simulated_session(study, simulated("guess"), (0, 0, number))[0] for number in range(12)]
    assert len(analyse(results).listeners) <= 1


def test_result_files_of_simulated_sessions_are_those_of_real_ones(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    simulate(study, simulated("threshold=3"), 3, tmp_path / "results", seed=5)
    read = read_results([tmp_path / "results"])
    made = [simulated_session(study, simulated("threshold=3"), (5, 0, number))[0] for number in range(3)]
    assert [one.answers for one in read] == [one.answers for one in made]
    assert [one.order for one in read] == [one.order for one in made]


@pytest.mark.parametrize("text", ["", "nobody", "threshold", "threshold=", "threshold=nan", "threshold=x", "guess=1"])
def test_unknown_listeners_are_one_sentence(text: str) -> None:
    with pytest.raises(UserError, match="choose guess, perfect or threshold=3.5"):
        simulated(text)


def test_a_listener_hears_half_at_the_threshold(tmp_path: Path) -> None:
    design = small_study(tmp_path, ABX, levels=(0, 3)).design
    assert simulated("threshold=3").share(design.condition("level-3")) == pytest.approx(0.7425)
    assert simulated("guess").share(design.condition("level-3")) == 0.5
    assert np.isclose(simulated("perfect").share(design.condition("level-3")), 1)
