"""SepPrune with a budget: which channels a separator needs is learned by gradient while its weights stay fixed.

After "SepPrune: structured pruning for efficient deep speech separation" (arXiv 2505.12079), section 3, with one
difference: the rate is controlled. From the first step on, gates are sampled so that the budget holds in expectation.
A common threshold holds the budget, and through its gradient the logits learn what their channels cost.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...errors import UserError
from ..arrays import Floats
from ..budget import Budget
from ..structure import Structure
from .gates import open_floor, step
from .protocol import Ranking, Task
from .taylor import Taylor

#: batches of the first-order scores from which logits start
_START_BATCHES = 8


class SepPrune(Ranking):
    """Learned logits, whose ranking in the whole model meets the budget."""

    name = "sepprune"
    needs_data = True

    def scores(self, task: Task) -> Floats:
        budget, evidence, learning = task.given_budget(self.name), task.given_evidence(self.name), task.learning
        start = _start(task).to(task.device)
        logits = start.clone().requires_grad_()
        generator = torch.Generator().manual_seed(task.seed)
        optimizer = torch.optim.Adam([logits], lr=learning.rate)
        expected = ExpectedCost(task.structure, budget, learning.temperature, task.device)
        floors = task.floor.of(task.structure.sizes, task.structure.removable)
        for number in range(learning.steps):
            done = number / max(1, learning.steps - 1)
            uniform = torch.rand(task.channels, generator=generator).clamp_(1e-6, 1 - 1e-6).to(task.device)
            noise = torch.logit(uniform) * (1 + done * (learning.noise_end - 1))
            pressure = (logits - expected.threshold(logits) + noise) / learning.temperature
            soft = torch.sigmoid(pressure)
            hard = open_floor((pressure > 0).to(soft.dtype), pressure.detach(), task.structure.sizes, floors)
            gates = hard + soft - soft.detach()
            task.progress(number, step(optimizer, evidence.loss(gates, next(evidence.batches))))
        if torch.equal(logits, start):
            raise UserError(
                "the loss of all steps is the same for every mask, so that no mask can be learned: check that the data "
                "is not silent and that the loss depends on the estimate"
            )
        return np.asarray(logits.detach().cpu().double().numpy())


def _start(task: Task) -> Tensor:
    """Logits to start from, ``(channels,)``.

    With ``taylor`` they are spread evenly by the ranks of first-order scores, so that no channel is decided yet.
    """
    if task.learning.start == "equal":
        return torch.zeros(task.channels)
    taylor = Taylor(_START_BATCHES).scores(task)
    ranks = np.empty(len(taylor))
    ranks[np.argsort(taylor)] = (np.arange(len(taylor)) + 0.5) / len(taylor)
    return torch.from_numpy(np.log(ranks / (1 - ranks))).float()


class ExpectedCost:
    """Expected cost of gates that are open with probability ``sigmoid((logit - threshold) / temperature)``.

    Args:
        structure: the channel groups.
        budget: the cost, and its limit.
        temperature: of the gates' probabilities.
        device: device of the logits.
    """

    def __init__(self, structure: Structure, budget: Budget, temperature: float, device: torch.device) -> None:
        cost = budget.cost
        self.groups = torch.from_numpy(structure.group_of).to(device)
        self.number = len(structure.groups)
        self.temperature = temperature
        dense = float(cost.total(structure.sizes))
        self.limit = budget.limit / dense
        self.constants = torch.from_numpy(cost.constants / dense).float().to(device)
        self.factors = torch.from_numpy(cost.factors).to(device)
        self.sizes = torch.from_numpy(cost.sizes).float().to(device)

    def __call__(self, logits: Tensor, threshold: Tensor) -> Tensor:
        """Expected cost as a share of the dense cost."""
        probability = torch.sigmoid((logits - threshold) / self.temperature)
        kept = probability.new_zeros(self.number).index_add(0, self.groups, probability)
        sizes = self.sizes[:, 0] + self.sizes[:, 1:] @ kept
        return (self.constants * sizes[self.factors].prod(-1)).sum()

    def threshold(self, logits: Tensor) -> Tensor:
        """The threshold that meets the budget, as a differentiable function of the logits.

        Bisection gives its value. One Newton step from there does not change the value, but it carries the gradient of
        the implicit function: when a logit rises, the threshold rises too, by more if the channel costs more.
        """
        with torch.no_grad():
            low, high = logits.min() - 20, logits.max() + 20
            for _ in range(30):
                middle = (low + high) / 2
                over = self(logits, middle) > self.limit
                low, high = torch.where(over, middle, low), torch.where(over, high, middle)
        root = ((low + high) / 2).requires_grad_()
        (slope,) = torch.autograd.grad(self(logits.detach(), root), root)
        return root.detach() - (self(logits, root.detach()) - self.limit) / slope.clamp(max=-1e-6)
