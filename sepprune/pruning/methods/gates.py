"""SepPrune's masks: which channels a separator can do without, learned by gradient while its weights stay.

After "SepPrune: structured pruning for efficient deep speech separation" (arXiv 2505.12079), section 3. ``threshold``
is the published rule. ``budget`` keeps its idea and controls the rate: gates are sampled at the budget from the first
step on, and the price of a channel enters the gradient through the common threshold that holds the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import UserError
from ..budget import Budget, Floor
from ..structure import Structure

#: loss of a batch with these gates
GateLoss = Callable[[Tensor, Any], Tensor]


@dataclass(frozen=True)
class Learning:
    """How masks are learned.

    Args:
        steps: batches.
        rate: Adam's step size.
        temperature: of the gates' probabilities.
        noise_end: scale to which the gates' noise falls, from 1.
        start: where logits start in a budget: ``taylor``, at the ranks of first-order scores, or ``equal``.
    """

    steps: int = 500
    rate: float = 0.1
    temperature: float = 1.0
    noise_end: float = 0.1
    start: str = "taylor"

    def __post_init__(self) -> None:
        if self.start not in ("taylor", "equal"):
            raise UserError(f"logits cannot start {self.start!r}: choose taylor or equal")


class HardSigmoid(torch.autograd.Function):
    """Published gate: ``1`` above the threshold; backward the identity, gradients clipped to ±1."""

    @staticmethod
    def forward(context: Any, probability: Tensor, threshold: float) -> Tensor:
        return (probability > threshold).to(probability.dtype)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient.clamp(-1, 1), None


def learn_by_threshold(
    structure: Structure,
    loss: GateLoss,
    batches: Iterator[Any],
    threshold: float,
    learning: Learning,
    seed: int,
    device: torch.device,
    report: Callable[[int, float], None],
) -> tuple[np.ndarray, np.ndarray]:
    """The published method; the final mask takes no noise, so that it depends on nothing but the logits.

    Returns:
        logits and kept channels, each ``(channels,)``.
    """
    generator = torch.Generator().manual_seed(seed)
    logits = torch.rand(int(structure.sizes.sum()), generator=generator).to(device).requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=learning.rate)
    sizes = structure.sizes
    for step in range(learning.steps):
        uniform = torch.rand(logits.shape, generator=generator).clamp_(1e-10, 1 - 1e-7).to(device)
        probability = torch.sigmoid((logits - (-uniform.log()).log()) / learning.temperature)
        gates = HardSigmoid.apply(probability, threshold)
        value = loss(_not_empty(gates, probability, sizes, np.ones_like(sizes)), next(batches))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        report(step, float(value.detach()))
    final = logits.detach().cpu().double()
    # the median of Gumbel noise stands for the noise
    kept = torch.sigmoid((final - np.log(np.log(2))) / learning.temperature) > threshold
    gates = _not_empty(kept.double(), final, sizes, np.ones_like(sizes))
    return final.numpy(), gates.numpy() > 0.5


def learn_in_budget(
    structure: Structure,
    loss: GateLoss,
    batches: Iterator[Any],
    budget: Budget,
    floor: Floor,
    learning: Learning,
    seed: int,
    device: torch.device,
    start: np.ndarray | None,
    report: Callable[[int, float], None],
) -> np.ndarray:
    """Learn logits whose global ranking meets the budget best.

    Args:
        structure: the channel groups.
        loss: of gates and a batch.
        batches: endless.
        budget: held in expectation at every step.
        floor: channels of a group that stay in any case.
        learning: rate, steps, noise.
        seed: of the noise.
        device: where the gates live.
        start: logits to start from; zeros where ``None``.
        report: called with step and loss.

    Returns:
        logits, ``(channels,)``.
    """
    generator = torch.Generator().manual_seed(seed)
    channels = int(structure.sizes.sum())
    logits = (torch.zeros(channels) if start is None else torch.from_numpy(start).float()).to(device).requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=learning.rate)
    expected = ExpectedCost(structure, budget, learning.temperature, device)
    floors = floor.of(structure.sizes, structure.removable)
    for step in range(learning.steps):
        done = step / max(1, learning.steps - 1)
        uniform = torch.rand(channels, generator=generator).clamp_(1e-6, 1 - 1e-6).to(device)
        noise = torch.logit(uniform) * (1 + done * (learning.noise_end - 1))
        pressure = (logits - expected.threshold(logits) + noise) / learning.temperature
        soft = torch.sigmoid(pressure)
        hard = _not_empty((pressure > 0).to(soft.dtype), pressure.detach(), structure.sizes, floors)
        value = loss(hard + soft - soft.detach(), next(batches))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        report(step, float(value.detach()))
    return logits.detach().cpu().double().numpy()


class ExpectedCost:
    """Expected cost of gates that are open with probability ``sigmoid((logit - threshold) / temperature)``."""

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

        Bisection gives its value. One Newton step from there adds nothing to the value and carries the gradient of
        the implicit function: a logit that rises makes room for itself by lifting the threshold, the more so the
        more its channel costs.
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


def _not_empty(gates: Tensor, scores: Tensor, sizes: np.ndarray, floors: np.ndarray) -> Tensor:
    """Open the best gates of groups that have too few open ones."""
    offset = 0
    opened = None
    for size, floor in zip(sizes.tolist(), floors.tolist(), strict=True):
        group = slice(offset, offset + size)
        if float(gates[group].detach().sum()) < floor:
            opened = torch.zeros_like(gates, requires_grad=False) if opened is None else opened
            opened[offset + scores[group].detach().topk(floor).indices] = 1
        offset += size
    return gates if opened is None else torch.maximum(gates, opened)
