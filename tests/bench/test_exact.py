"""Distribution functions agree with scipy's."""

from __future__ import annotations

import pytest
from scipy import stats

from sepprune.bench.exact import beta_cdf, binomial_cdf, root, t_quantile


@pytest.mark.parametrize("x", [0.0, 0.003, 0.4, 0.5, 0.97, 1.0])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (4, 2997), (3000, 1), (40, 60)])
def test_the_beta_distribution_is_that_of_scipy(x: float, a: float, b: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(("count", "trials", "rate"), [(0, 10, 0.1), (2475, 2500, 0.99), (10, 10, 0.3), (-1, 10, 0.3)])
def test_the_binomial_distribution_is_that_of_scipy(count: int, trials: int, rate: float) -> None:
    assert binomial_cdf(count, trials, rate) == pytest.approx(stats.binom.cdf(count, trials, rate), rel=1e-9)


@pytest.mark.parametrize("probability", [0.6, 0.975, 0.99974])
@pytest.mark.parametrize("degrees", [2, 8.6, 400])
def test_quantiles_of_t_are_those_of_scipy(probability: float, degrees: float) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-6)


def test_a_root_is_where_the_function_crosses_zero() -> None:
    assert root(lambda x: x**2 - 2, 0.0, 2.0) == pytest.approx(2**0.5)
