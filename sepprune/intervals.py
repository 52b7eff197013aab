"""Confidence intervals of mean scores, where the same speakers are heard in several mixtures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def mean_interval(
    values: Sequence[float], speakers: Sequence[frozenset[str]] | None = None
) -> tuple[float, float] | None:
    """95 % confidence interval of the mean over all voices that might have been recorded.

    Mixtures with a speaker in common are alike: a voice that is hard to separate lowers all of its scores. So 80
    mixtures of 20 speakers tell less than 80 mixtures of 160. The variance of the mean is estimated by leaving out one
    speaker after the other, with all of his mixtures (Efron and Stein, "The jackknife estimate of variance", Annals of
    Statistics 1981). That counts what is particular to a mixture once for each of its speakers, so the variance of
    independent mixtures is subtracted once; it is also the least that is reported. Student's t has ``G - 1`` degrees of
    freedom for ``G`` speakers.

    Args:
        values: one score a mixture.
        speakers: of each mixture; ``None`` where they are not known: mixtures then count as independent.

    Returns:
        lower and upper end, ``None`` for fewer than two values.

    >>> low, high = mean_interval([1.0, 2.0, 3.0])
    >>> round(low, 2), round(high, 2)
    (-0.48, 4.48)
    """
    from scipy.stats import t

    count = len(values)
    if count < 2:
        return None
    scores = np.asarray(values, dtype=np.float64)
    mean, variance = float(scores.mean()), float(scores.var(ddof=1)) / count
    half = float(t.ppf(0.975, count - 1)) * math.sqrt(variance)
    if speakers is not None:
        everyone = sorted(frozenset().union(*speakers))
        rest = [[index for index, voices in enumerate(speakers) if voice not in voices] for voice in everyone]
        groups = len(everyone)
        if groups > 1:
            without = np.array([scores[kept].mean() if kept else mean for kept in rest])
            shared = (groups - 1) / groups * float(np.square(without - mean).sum()) - variance
            half = max(half, float(t.ppf(0.975, groups - 1)) * math.sqrt(max(shared, variance)))
    return mean - half, mean + half
