"""Exact binomial statistics of forced choices between two answers, where guessing gives one half."""

from __future__ import annotations

from functools import lru_cache

#: share of correct answers that guessing gives in ABX
CHANCE = 0.5


@lru_cache(maxsize=8192)
def p_value(correct: int, trials: int) -> float:
    """Probability that a guesser gets at least this many answers right: the upper tail, not the mass at one count.

    >>> p_value(0, 10), round(p_value(8, 10), 4)
    (1.0, 0.0547)
    """
    from scipy.stats import binomtest

    return float(binomtest(correct, trials, CHANCE, alternative="greater").pvalue) if trials else 1.0


@lru_cache(maxsize=8192)
def interval(correct: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of the share of correct answers."""
    from scipy.stats import binomtest

    if not trials:
        return 0.0, 1.0
    found = binomtest(correct, trials).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)


def upper_bound(correct: int, trials: int, confidence: float = 0.95) -> float:
    """One-sided Clopper-Pearson bound: the largest share of correct answers that the count does not contradict."""
    from scipy.stats import binomtest

    if not trials:
        return 1.0
    return float(binomtest(correct, trials, alternative="less").proportion_ci(confidence, method="exact").high)


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
    from scipy.stats import binom

    correct = needed(trials, alpha)
    return 0.0 if correct is None else float(binom.sf(correct - 1, trials, share))
