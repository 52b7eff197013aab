"""Tests for paired values of the same listeners, and the correction for several of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

#: random sign flips, where there are too many listeners to try all of them
FLIPS = 9999
#: up to so many listeners there are fewer combinations of signs than :data:`FLIPS`, and all are tried
EXACT = 13


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: keeps the family-wise error rate under any dependence (Holm, 1979).

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def sign_flip(differences: ArrayLike, alternative: str = "two-sided", seed: int = 0) -> float:
    """Permutation test of a mean of zero by flipping signs: exact up to :data:`EXACT` listeners, random flips above.

    Args:
        differences: one a listener.
        alternative: ``two-sided``, ``greater`` or ``less``.
        seed: of the random flips.
    """
    from scipy.stats import permutation_test

    values = np.asarray(differences, float)
    if len(values) < 2 or not values.any():
        return 1.0
    found = permutation_test(
        (values,),
        _mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=FLIPS,
        alternative=alternative,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def wilcoxon(differences: ArrayLike) -> float:
    """Two-sided Wilcoxon signed-rank test of paired differences; zeros are ranked, then left out (Pratt, 1959).

    Signs of the ranks are flipped as in :func:`sign_flip`: exact with ties and zeros, where scipy's own test is slow.
    """
    from scipy.stats import rankdata

    values = np.asarray(differences, float)
    return sign_flip(np.sign(values) * rankdata(np.abs(values)))


def friedman(table: ArrayLike) -> float:
    """Friedman test of equal conditions.

    Shape:
        - table: ``(listeners, conditions)``, at least three conditions
    """
    from scipy.stats import friedmanchisquare

    values = np.asarray(table, float)
    if values.shape[1] < 3 or len(values) < 2 or (values == values[:, :1]).all():
        return 1.0
    return float(friedmanchisquare(*values.T).pvalue)


def _mean(values: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.asarray(np.mean(values, axis=axis))
