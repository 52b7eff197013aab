"""Exact binomial statistics of forced choices between two answers, where guessing gives one half.

All in whole numbers and bisection, so that the live app can state a result without scipy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

#: share of correct answers that guessing gives in ABX
CHANCE = 0.5
#: halvings of an interval that leave nothing of a float's precision
_HALVINGS = 60


@lru_cache(maxsize=8192)
def p_value(correct: int, trials: int) -> float:
    """Probability that a guesser gets at least this many answers right: the upper tail, not the mass at one count.

    >>> p_value(0, 10), round(p_value(8, 10), 4)
    (1.0, 0.0547)
    """
    return sum(math.comb(trials, count) for count in range(max(0, correct), trials + 1)) / (1 << trials)


@lru_cache(maxsize=8192)
def interval(correct: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of the share of correct answers.

    >>> [round(end, 4) for end in interval(8, 10)]
    [0.4439, 0.9748]
    """
    if not trials:
        return 0.0, 1.0
    alpha = (1 - confidence) / 2
    low = _share(lambda share: tail(correct, trials, share) < alpha) if correct else 0.0
    return low, upper_bound(correct, trials, 1 - alpha)


def upper_bound(correct: int, trials: int, confidence: float = 0.95) -> float:
    """One-sided Clopper-Pearson bound: the largest share of correct answers that the count does not contradict."""
    if correct >= trials:
        return 1.0
    return _share(lambda share: tail(correct + 1, trials, share) < confidence)


def tail(correct: int, trials: int, share: float) -> float:
    """Probability of at least this many right answers where each is right with probability ``share``."""
    if correct <= 0 or share >= 1.0:
        return 1.0
    if share <= 0.0:
        return 0.0
    logs = [
        math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
        + count * math.log(share) + (trials - count) * math.log1p(-share)
        for count in range(correct, trials + 1)
    ]  # fmt: skip
    return min(1.0, math.fsum(map(math.exp, logs)))


def needed(trials: int, alpha: float = 0.05) -> int | None:
    """Fewest correct answers with a p-value of at most ``alpha``; ``None`` where not even all of them suffice.

    >>> needed(10), needed(16), needed(4)
    (9, 12, None)
    """
    return next((correct for correct in range(trials + 1) if p_value(correct, trials) <= alpha), None)


def power(trials: int, share: float, alpha: float = 0.05) -> float:
    """Probability that a listener who is right with probability ``share`` reaches :func:`needed`.

    >>> round(power(16, 0.8), 2)
    0.8
    """
    correct = needed(trials, alpha)
    return 0.0 if correct is None else tail(correct, trials, share)


def _share(below: Callable[[float], bool]) -> float:
    """The share at which a condition that holds for small shares ends."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2
