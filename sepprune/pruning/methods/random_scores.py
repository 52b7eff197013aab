"""Random pruning: the baseline that every method must beat."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from .protocol import Ranking, Task


class Random(Ranking):
    """Random scores, decided by the seed."""

    name = "random"

    def scores(self, task: Task) -> Floats:
        return np.random.default_rng(task.seed % 2**64).random(task.channels)
