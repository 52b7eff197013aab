"""Pruning by first-order importance.

After Molchanov et al., "Importance estimation for neural network pruning", CVPR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..arrays import Floats
from .protocol import Ranking, Task


@dataclass(frozen=True)
class Taylor(Ranking):
    """First-order change of the loss when a channel is dropped: the mean of ``(dL/dgate)**2``.

    Args:
        batches: how many batches are averaged over.
    """

    batches: int = 16
    name = "taylor"
    needs_data = True

    def scores(self, task: Task) -> Floats:
        evidence = task.given_evidence(self.name)
        total = torch.zeros(task.channels, device=task.device)
        for _ in range(self.batches):
            gates = torch.ones_like(total, requires_grad=True)
            (gradient,) = torch.autograd.grad(evidence.loss(gates, next(evidence.batches)), gates)
            total += gradient.square()
        return np.asarray((total / self.batches).cpu().double().numpy())
