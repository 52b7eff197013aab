"""Pruning by the norm of a channel's weights (Li et al., "Pruning filters for efficient ConvNets", ICLR 2017)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from ..arrays import Floats
from ..structure import Group, Structure
from .protocol import Ranking, Task
from .weight_rows import added, relative, weight_rows


class L1(Ranking):
    """Sum of the absolute weights, in every layer of the channel's group."""

    name = "l1"
    order = 1

    def scores(self, task: Task) -> Floats:
        return np.concatenate(
            [relative(added(self._norms(task.structure, group), group.channels)) for group in task.structure.groups]
        )

    def _norms(self, structure: Structure, group: Group) -> Iterator[Tensor]:
        """Norms in every weight, divided by their mean, so that weights count alike."""
        for rows in weight_rows(structure, group):
            norms = rows.norm(self.order, dim=1)
            yield norms / norms.mean().clamp(min=1e-12)


class L2(L1):
    """Euclidean norm of the weights, in every layer of the channel's group."""

    name = "l2"
    order = 2
