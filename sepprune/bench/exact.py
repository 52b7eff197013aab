"""Exact distribution functions, without scipy, which is not on the machine of everyone who measures latency."""

from __future__ import annotations

import math
from collections.abc import Callable

_STEPS = 100


def beta_cdf(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), relative error below 1e-9.

    Continued fraction with Lentz's method, as in Numerical Recipes, third edition, section 6.4.
    """
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_cdf(1.0 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1), tiny)
    value = d
    for step in range(1, 10_000):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d, tiny)
            c = _away_from_zero(1.0 + term / c, tiny)
            value *= c * d
        if abs(c * d - 1.0) < 1e-12:
            break
    return value


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def binomial_cdf(count: int, trials: int, rate: float) -> float:
    """Probability of at most ``count`` successes.

    >>> round(binomial_cdf(2, 4, 0.5), 4)
    0.6875
    """
    if count < 0 or count >= trials:
        return float(count >= trials)
    return beta_cdf(1.0 - rate, trials - count, count + 1)


def t_quantile(probability: float, degrees: float) -> float:
    """Quantile of Student's t distribution, for a probability above one half.

    >>> round(t_quantile(0.975, 8), 3)
    2.306
    """
    share = root(lambda x: beta_cdf(x, degrees / 2, 0.5) - 2 * (1 - probability), 0.0, 1.0)
    return math.sqrt(degrees * (1 - share) / share)


def root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses zero, by bisection."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
