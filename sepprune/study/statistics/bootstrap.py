"""Intervals of means that hold for other listeners and other items, not only for those of the study."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

#: resampled studies
DRAWS = 2000


def interval(table: ArrayLike, confidence: float = 0.95, seed: int = 0, draws: int = DRAWS) -> tuple[float, float]:
    """Percentile interval of the mean, with listeners and items both drawn again with replacement.

    Args:
        table: one value a listener and item; what was not asked is not a number.
        confidence: share of studies whose interval should hold the true mean.
        seed: of the draws.
        draws: number of resampled studies.

    Returns:
        Lower and upper end; both are not a number where the table is empty.

    Shape:
        - table: ``(listeners, items)``
    """
    values = np.asarray(table, float)
    asked = np.isfinite(values)
    if not asked.any():
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    listeners, items = (_counts(rng, size, draws) for size in values.shape)
    sums = np.einsum("dl,li,di->d", listeners, np.where(asked, values, 0.0), items, optimize=True)
    weights = np.einsum("dl,li,di->d", listeners, asked.astype(float), items, optimize=True)
    means = sums[weights > 0] / weights[weights > 0]
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _counts(rng: np.random.Generator, size: int, draws: int) -> np.ndarray:
    """How often each of ``size`` things is drawn, ``(draws, size)``."""
    return rng.multinomial(size, np.full(size, 1 / size), draws).astype(float)
