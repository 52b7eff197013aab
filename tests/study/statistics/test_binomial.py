from __future__ import annotations

import pytest

from sepprune.study.statistics import binomial


@pytest.mark.parametrize(("correct", "trials", "p"), [(0, 10, 1.0), (8, 10, 0.0547), (9, 10, 0.0107), (0, 0, 1.0)])
def test_the_p_value_is_the_upper_tail(correct: int, trials: int, p: float) -> None:
    assert binomial.p_value(correct, trials) == pytest.approx(p, abs=5e-5)


@pytest.mark.parametrize(("trials", "needed"), [(8, 7), (10, 9), (16, 12), (20, 15), (25, 18), (30, 20), (40, 26)])
def test_the_fewest_right_answers_that_are_significant(trials: int, needed: int) -> None:
    assert binomial.needed(trials) == needed
    assert binomial.p_value(needed - 1, trials) > 0.05


def test_four_trials_can_never_be_significant() -> None:
    assert binomial.needed(4) is None
    assert binomial.power(4, 1.0) == 0


def test_power_of_sixteen_trials() -> None:
    shares = [binomial.power(16, share) for share in (0.6, 0.7, 0.8, 0.9)]
    assert shares == pytest.approx([0.17, 0.45, 0.80, 0.98], abs=0.006)


def test_the_interval_is_clopper_pearsons() -> None:
    assert binomial.interval(8, 10) == pytest.approx((0.4439, 0.9748), abs=5e-5)


@pytest.mark.parametrize(("correct", "trials", "bound"), [(15, 26, 0.75), (22, 39, 0.70)])
def test_the_upper_bound_is_one_sided(correct: int, trials: int, bound: float) -> None:
    assert binomial.upper_bound(correct, trials) < bound < binomial.upper_bound(correct + 1, trials)
