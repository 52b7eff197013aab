"""The threshold of a listener on a Bayes grid: from which level on pruning is heard in ABX.

The share of correct answers at level ``l`` is ``0.5 + (0.5 - lapse / 2) * logistic((l - threshold) / spread)``, so at
the threshold it is about 0.75. The next level is the one whose answer is expected to leave the least entropy
(Kontsevich and Tyler, 1999).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: share of answers that are guesses whatever is heard
LAPSE = 0.03
#: distances in levels over which a listener goes from guessing to hearing
SPREADS = (0.25, 0.5, 1.0)
#: grid step in levels, and how far the grid reaches below the first and above the last level
STEP, BELOW, ABOVE = 0.25, 1.0, 2.5


def share_correct(level: float | Floats, threshold: float | Floats, spread: float | Floats) -> Floats:
    """Share of correct ABX answers at a level."""
    scaled = np.clip((np.asarray(level) - threshold) / np.asarray(spread), -50, 50)
    return np.asarray(0.5 + (0.5 - LAPSE / 2) / (1 + np.exp(-scaled)), float)


@dataclass(frozen=True)
class ThresholdEstimate:
    """What a listener's answers say.

    Args:
        median, low, high: of the posterior, with its 95 % interval, in levels.
        hears_none: whether it is more likely than not that the threshold lies above the last level.
        last_unheard: the lightest level below the median threshold, ``None`` where all are above it.
    """

    median: float
    low: float
    high: float
    hears_none: bool
    last_unheard: int | None


class ThresholdGrid:
    """Posterior over thresholds and spreads; a pure function of the answers.

    Args:
        levels: level numbers that can be asked, each against the baseline.
    """

    def __init__(self, levels: Sequence[int]) -> None:
        self.levels = tuple(sorted(levels))
        self.thresholds: Floats = np.arange(self.levels[0] - BELOW, self.levels[-1] + ABOVE + STEP / 2, STEP)
        thresholds, spreads = (part.ravel() for part in np.meshgrid(self.thresholds, SPREADS, indexing="ij"))
        self._correct: Floats = np.stack([share_correct(level, thresholds, spreads) for level in self.levels])
        self._logs = np.log(np.stack([1 - self._correct, self._correct]))

    def posterior(self, asked: Sequence[int], correct: Sequence[bool]) -> Floats:
        """Probability of every grid point after the answers, ``(points,)``; equal weights before the first."""
        places = [self.levels.index(level) for level in asked]
        logs = np.zeros(self._correct.shape[1])
        for place, right in zip(places, correct, strict=True):
            logs += self._logs[int(right), place]
        weights = np.exp(logs - logs.max())
        return np.asarray(weights / weights.sum(), float)

    def next_level(self, asked: Sequence[int], correct: Sequence[bool]) -> int:
        """The level to ask next."""
        weights = self.posterior(asked, correct)
        right, wrong = self._correct * weights, (1 - self._correct) * weights
        return self.levels[int(np.argmin(_entropy(right) + _entropy(wrong)))]

    def estimate(self, asked: Sequence[int], correct: Sequence[bool]) -> ThresholdEstimate:
        """The threshold after the answers."""
        weights = self.posterior(asked, correct).reshape(len(self.thresholds), -1).sum(axis=1)
        below = np.cumsum(weights) - weights / 2
        low, median, high = (float(np.interp(q, below, self.thresholds)) for q in (0.025, 0.5, 0.975))
        unheard = [level for level in self.levels if level < median]
        none = float(weights[self.thresholds > self.levels[-1]].sum()) > 0.5
        return ThresholdEstimate(median, low, high, none, unheard[-1] if unheard else None)


def _entropy(joint: Floats) -> Floats:
    """Expected entropy of one answer's posteriors, from joint probabilities ``(levels, points)``."""
    total = joint.sum(axis=1)
    logs = np.log(np.maximum(joint, math.ulp(0.0)))
    return np.asarray(total * np.log(total) - (joint * logs).sum(axis=1), float)
