"""Pruning by distance to the geometric median (He et al., "Filter pruning via geometric median", CVPR 2019)."""

from __future__ import annotations

import numpy as np
import torch

from ..arrays import Floats
from ..structure import Group, Structure
from .protocol import Ranking, Task
from .weight_rows import relative, weight_rows


class FPGM(Ranking):
    """Sum of the distances to the group's other channels: a channel near the median can be replaced by them."""

    name = "fpgm"

    def scores(self, task: Task) -> Floats:
        return np.concatenate([relative(_distances(task.structure, group)) for group in task.structure.groups])


def _distances(structure: Structure, group: Group) -> Floats:
    weights = list(weight_rows(structure, group))
    if not weights:
        return np.zeros(group.channels)
    rows = torch.cat(weights, dim=1)
    return np.asarray(torch.cdist(rows, rows).sum(1).cpu().double().numpy())
