from __future__ import annotations

from math import comb

import numpy as np
import pytest
from scipy.integrate import quad

from sepprune.study.statistics.anytime import confidence_sequence, e_value


@pytest.mark.parametrize(("correct", "trials"), [(0, 1), (3, 3), (8, 10), (25, 50)])
def test_the_e_value_is_the_mixture_likelihood_ratio(correct: int, trials: int) -> None:
    integral, _ = quad(lambda share: 2 * share**correct * (1 - share) ** (trials - correct), 0.5, 1)
    assert e_value(correct, trials) == pytest.approx(integral * 2**trials, rel=1e-6)


def test_the_mean_e_value_of_a_guesser_is_one() -> None:
    assert sum(comb(12, right) * e_value(right, 12) for right in range(13)) / 2**12 == pytest.approx(1)


def test_guessers_who_are_watched_all_the_time_reach_twenty_in_at_most_five_percent() -> None:
    right = np.cumsum(np.random.default_rng(0).integers(0, 2, (2000, 50)), axis=1)
    table = {(count, trials): e_value(count, trials) for trials in range(1, 51) for count in range(trials + 1)}
    reached = [any(table[int(count), trials] >= 20 for trials, count in enumerate(row, 1)) for row in right]
    assert np.mean(reached) <= 0.05


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_the_confidence_sequence_holds_at_every_trial(share: float) -> None:
    right = np.cumsum(np.random.default_rng(1).random((500, 40)) < share, axis=1)
    ends = {(k, n): confidence_sequence(k, n) for n in range(1, 41) for k in range(n + 1)}
    always = [all(ends[int(k), n][0] <= share <= ends[int(k), n][1] for n, k in enumerate(row, 1)) for row in right]
    assert np.mean(always) >= 0.95


def test_nothing_asked_excludes_nothing() -> None:
    assert confidence_sequence(0, 0) == (0.0, 1.0)
