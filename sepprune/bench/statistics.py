"""Statistics of chunk times: intervals of percentiles, bounds of miss rates, ratios, drift, two modes.

Percentile intervals and miss bounds treat chunks as independent. Ratios and drift do not: their unit is a part of a
run of many chunks, or a whole run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .exact import beta_cdf, binomial_cdf, root, t_quantile

Floats = NDArray[np.float64]

#: fewest chunks from which p99.9 is stated
LEAST_FOR_P999 = 7500
#: consecutive parts into which one run is divided where the parts are the unit
PARTS = 10
#: a mode holds at least this share of the chunks, and the density between two modes falls to this share of the lower
_LEAST_MODE, _DEEPEST_VALLEY = 0.1, 0.5


def percentile_interval(values: Floats, share: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Interval of a percentile from order statistics, for any distribution.

    ``None`` where there are too few values: 72 are needed for p95, 368 for p99 at 95 %.

    Source: David and Nagaraja, Order Statistics, third edition, section 7.1.

    Args:
        values: in any order.
        share: 0.99 for p99.
        confidence: share of runs whose interval holds the true percentile, at least.
    """
    count, tail = len(values), (1 - confidence) / 2
    if not count or share**count > tail or (1 - share) ** count > tail:
        return None
    low = _first(count, lambda rank: binomial_cdf(rank, count, share) > tail)  # cdf(low - 1) <= tail
    high = _first(count, lambda rank: binomial_cdf(rank, count, share) >= 1 - tail) + 1  # cdf(high - 1) >= 1 - tail
    if low < 1 or high > count:
        return None
    ordered = np.sort(values)
    return float(ordered[low - 1]), float(ordered[high - 1])


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """Smallest rank for which a condition holds that, once true, stays true."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def rate_upper(misses: int, chunks: int, confidence: float = 0.95) -> float:
    """Upper bound of the miss rate: ``3 / chunks`` where none was seen, else Clopper and Pearson's one-sided bound.

    >>> rate_upper(0, 3000)
    0.001
    """
    if misses == 0:
        return min(1.0, 3.0 / chunks) if chunks else 1.0
    if misses >= chunks:
        return 1.0
    return root(lambda rate: beta_cdf(rate, misses + 1, chunks - misses) - confidence, 0.0, 1.0)


@dataclass(frozen=True)
class Estimate:
    """A value with its interval."""

    value: float
    low: float
    high: float


def parts(blocks: Sequence[Floats], count: int = PARTS) -> list[float]:
    """Logarithms of the medians of consecutive parts of a run, each of whole blocks; fewer where blocks are few."""
    groups = np.array_split(np.arange(len(blocks)), min(count, len(blocks))) if blocks else []
    return [math.log(max(1e-9, float(np.median(np.concatenate([blocks[i] for i in group]))))) for group in groups]


def ratio(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Estimate | None:
    """Ratio second / first of geometric means, with Welch's interval; ``None`` with fewer than three units a side.

    Args:
        first, second: logarithms, one a unit (a run, or a part of a run).
        confidence: of the interval.
    """
    if min(len(first), len(second)) < 3:
        return None
    one, two = np.var(first, ddof=1) / len(first), np.var(second, ddof=1) / len(second)
    middle, spread = float(np.mean(second) - np.mean(first)), float(one + two)
    if spread <= 0:
        return Estimate(math.exp(middle), math.exp(middle), math.exp(middle))
    degrees = spread**2 / float(one**2 / (len(first) - 1) + two**2 / (len(second) - 1))
    half = t_quantile((1 + confidence) / 2, degrees) * math.sqrt(spread)
    return Estimate(math.exp(middle), math.exp(middle - half), math.exp(middle + half))


def drift(units: Sequence[float], confidence: float = 0.95) -> Estimate | None:
    """Change from begin to end of a run as a factor: the slope of a line through the logarithms of its parts.

    ``None`` with fewer than five parts.
    """
    count = len(units)
    if count < 5:
        return None
    x = np.arange(count) - (count - 1) / 2
    y = np.asarray(units) - np.mean(units)
    slope = float(x @ y / (x @ x))
    error = math.sqrt(float(np.sum((y - slope * x) ** 2)) / (count - 2) / float(x @ x))
    half, span = t_quantile((1 + confidence) / 2, count - 2) * error, count
    return Estimate(math.exp(span * slope), math.exp(span * (slope - half)), math.exp(span * (slope + half)))


def bimodal(values: Floats) -> bool:
    """Whether the times have two clear modes: two peaks of the smoothed density with a deep valley between them.

    The density is that of the logarithms, so that a long tail is no second mode.
    """
    if len(values) < 100:
        return False
    logs = np.log(np.maximum(values, 1e-9))
    low, high = np.percentile(logs, (0.5, 99.5))
    if high - low < 0.02:  # all within 2 %
        return False
    # Silverman's rule with the narrower of the two spreads, on a grid of 256 points
    spread = min(float(np.std(logs)), float(np.subtract(*np.percentile(logs, (75, 25)))) / 1.34 or 1.0)
    width = max(0.9 * spread * len(logs) ** -0.2, (high - low) / 64)
    grid = np.linspace(low - 3 * width, high + 3 * width, 256)
    counts, _ = np.histogram(logs, bins=256, range=(grid[0], grid[-1]))
    distance = (grid - grid[128]) / width
    density = np.convolve(counts, np.exp(-0.5 * distance**2), mode="same")
    for valley in range(1, 255):
        left, right = density[:valley].max(), density[valley + 1 :].max()
        if density[valley] > _DEEPEST_VALLEY * min(left, right):
            continue
        share = counts[:valley].sum() / max(1, counts.sum())
        if _LEAST_MODE <= share <= 1 - _LEAST_MODE:
            return True
    return False
