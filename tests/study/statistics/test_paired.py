from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from sepprune.study.statistics.bootstrap import interval
from sepprune.study.statistics.paired import friedman, holm, sign_flip, wilcoxon


def test_holm_multiplies_the_smallest_by_the_number_of_tests_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_sign_flips_of_six_listeners_are_exact() -> None:
    assert sign_flip([1, 2, 3, 4, 5, 6], "greater") == pytest.approx(1 / 64)
    assert sign_flip([1, 2, 3, 4, 5, 6]) == pytest.approx(2 / 64)


def test_wilcoxon_of_six_listeners_is_exact_with_ties() -> None:
    assert wilcoxon([1, 1, 1, 2, 2, 2]) == pytest.approx(2 / 64)


@pytest.mark.parametrize("count", [7, 13])
def test_wilcoxon_without_ties_is_scipys_exact_test(count: int) -> None:
    differences = np.random.default_rng(count).normal(0.4, 1, count)
    assert wilcoxon(differences) == pytest.approx(float(scipy.stats.wilcoxon(differences, method="exact").pvalue))


@pytest.mark.parametrize("test", [sign_flip, wilcoxon])
def test_no_difference_and_one_listener_prove_nothing(test: object) -> None:
    assert callable(test)
    assert test([0.0] * 8) == 1.0
    assert test([3.0]) == 1.0


def test_friedman_sees_a_condition_that_everybody_ranks_last() -> None:
    table = np.random.default_rng(0).normal(size=(12, 4))
    assert friedman(table) > 0.05
    assert friedman(table - 9 * np.array([0, 0, 0, 1])) < 0.001
    assert friedman(np.ones((5, 3))) == 1.0


def test_bootstrap_intervals_hold_the_true_mean_where_listeners_and_items_differ() -> None:
    rng, held = np.random.default_rng(0), []
    for seed in range(200):
        table = rng.normal(0, 5, (12, 1)) + rng.normal(0, 5, (1, 12)) + rng.normal(0, 5, (12, 12))
        low, high = interval(table, np.ones_like(table), seed=seed, draws=500)
        held.append(low <= 0 <= high)
    assert np.mean(held) >= 0.9


def test_bootstrap_weighs_by_answers_and_passes_over_what_was_not_asked() -> None:
    low, high = interval(np.array([[1.0, 99.0]]), np.array([[4.0, 0.0]]))
    assert (low, high) == (1.0, 1.0)
    assert np.isnan(interval(np.zeros((2, 2)), np.zeros((2, 2)))).all()
