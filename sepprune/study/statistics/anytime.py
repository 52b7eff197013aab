"""Statistics of open-ended ABX that stay valid when a listener is stopped at any time.

The e-value is a mixture likelihood ratio: the probability of the answers, averaged over shares of correct answers
from 0.5 to 1 with equal weight, divided by their probability under guessing. By Ville's inequality a guesser ever
reaches ``1 / alpha`` with a probability of at most ``alpha``, however often one looks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=8192)
def e_value(correct: int, trials: int) -> float:
    """Evidence against guessing; 20 and more rejects it at 5 %.

    The integral of ``q^k (1-q)^(n-k)`` over the upper half is a binomial tail, so the result is exact.

    >>> e_value(0, 0)
    1.0
    """
    tail = sum(math.comb(trials + 1, count) for count in range(correct + 1))
    return tail / ((trials + 1) * math.comb(trials, correct))


@lru_cache(maxsize=8192)
def confidence_sequence(correct: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the share of correct answers that holds at every stopping time.

    Robbins' mixture with equal weights on all shares: the interval holds every share ``p`` at which the mixture's
    likelihood is less than ``1 / (1 - confidence)`` times the likelihood at ``p``.
    """
    mixture = math.lgamma(correct + 1) + math.lgamma(trials - correct + 1) - math.lgamma(trials + 2)
    least = mixture + math.log(1 - confidence)

    def inside(share: float) -> bool:
        return _log_likelihood(correct, trials, share) > least

    best = correct / trials if trials else 0.5
    low = 0.0 if inside(0.0) else _border(0.0, best, inside)
    high = 1.0 if inside(1.0) else _border(1.0, best, inside)
    return low, high


def _border(outside: float, within: float, inside: Callable[[float], bool]) -> float:
    """The end of the interval between a share outside it and one inside it, by bisection."""
    for _ in range(60):
        middle = (outside + within) / 2
        outside, within = (outside, middle) if inside(middle) else (middle, within)
    return within


def _log_likelihood(correct: int, trials: int, share: float) -> float:
    total = 0.0
    for count, probability in ((correct, share), (trials - correct, 1 - share)):
        if count:
            total += count * math.log(probability) if probability > 0 else -math.inf
    return total
