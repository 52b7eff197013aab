from __future__ import annotations

import numpy as np
import pytest

from sepprune.study.statistics.psychometric import ThresholdEstimate, ThresholdGrid, share_correct

LEVELS = tuple(range(1, 8))


def run(share: object, seed: int, trials: int = 40) -> ThresholdEstimate:
    """One adaptive session; ``share`` gives the probability of a right answer at a level."""
    assert callable(share)
    rng, grid = np.random.default_rng(seed), ThresholdGrid(LEVELS)
    asked: list[int] = []
    correct: list[bool] = []
    for _ in range(trials):
        asked.append(grid.next_level(asked, correct))
        correct.append(bool(rng.random() < share(asked[-1])))
    return grid.estimate(asked, correct)


def test_forty_trials_find_thresholds_within_one_level_and_intervals_hold_them() -> None:
    thresholds = np.random.default_rng(0).uniform(1.5, 6.5, 200)
    found = [run(lambda level, at=at: share_correct(level, at, 0.5), seed) for seed, at in enumerate(thresholds)]
    near = [abs(one.median - at) <= 1 for one, at in zip(found, thresholds, strict=True)]
    held = [one.low <= at <= one.high for one, at in zip(found, thresholds, strict=True)]
    assert np.mean(near) >= 0.95
    assert np.mean(held) >= 0.90


def test_a_guesser_hears_no_difference() -> None:
    found = [run(lambda level: 0.5, seed) for seed in range(100)]
    assert np.mean([one.hears_none for one in found]) >= 0.95


def test_who_hears_everything_has_no_unheard_level() -> None:
    found = run(lambda level: 1.0, 0)
    assert not found.hears_none
    assert found.last_unheard is None and found.median < 1


@pytest.mark.parametrize("level", [-50.0, 4.0, 50.0])
def test_the_share_of_right_answers_runs_from_guessing_to_the_lapse_rate(level: float) -> None:
    expected = {-50.0: 0.5, 4.0: 0.7425, 50.0: 0.985}
    assert share_correct(level, 4.0, 0.5) == pytest.approx(expected[level])


def test_the_estimate_depends_on_the_answers_alone() -> None:
    grid = ThresholdGrid(LEVELS)
    assert grid.estimate([3, 4], [True, False]) == ThresholdGrid(LEVELS).estimate([3, 4], [True, False])
    assert grid.posterior([], []).sum() == pytest.approx(1)
