"""Intervals of means that hold for other listeners and other items, not only for those of the study."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: resampled studies
DRAWS = 2000


def interval(
    values: Floats, weights: Floats, confidence: float = 0.95, seed: int = 0, draws: int = DRAWS
) -> tuple[float, float]:
    """Percentile interval of the weighted mean, with listeners and items both drawn again with replacement.

    Args:
        values: one a listener and item.
        weights: answers behind each value; 0 where nothing was asked.
        confidence: share of studies whose interval should hold the true mean.
        seed: of the draws.
        draws: number of resampled studies.

    Returns:
        Lower and upper end; both are not a number where all weights are 0.

    Shape:
        - values, weights: ``(listeners, items)``
    """
    if not weights.any():
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    listeners, items = (_counts(rng, size, draws) for size in values.shape)
    sums, totals = (((listeners @ table) * items).sum(axis=1) for table in (values * weights, weights))
    means = sums[totals > 0] / totals[totals > 0]
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _counts(rng: np.random.Generator, size: int, draws: int) -> Floats:
    """How often each of ``size`` things is drawn, ``(draws, size)``."""
    return rng.multinomial(size, np.full(size, 1 / size), draws).astype(float)
