"""Pruning by layer-adaptive magnitude.

After Lee et al., "Layer-adaptive sparsity for the magnitude-based pruning", ICLR 2021.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..structure import Group, Structure
from .protocol import Ranking, Task
from .weight_rows import added, weight_rows


class LAMP(Ranking):
    """A channel's squared norm over the sum of squared norms of all channels of its group at least as large."""

    name = "lamp"

    def scores(self, task: Task) -> Floats:
        return np.concatenate([_group_scores(task.structure, group) for group in task.structure.groups])


def _group_scores(structure: Structure, group: Group) -> Floats:
    squares = added((rows.square().sum(1) for rows in weight_rows(structure, group)), group.channels)
    order = np.argsort(squares)
    survivors = np.cumsum(squares[order][::-1])[::-1]
    result = np.empty_like(squares)
    result[order] = squares[order] / np.maximum(survivors, 1e-30)
    return result
