"""Gates of mask learning: hard in the forward pass, with gradients in the backward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..arrays import Ints


class HardSigmoid(torch.autograd.Function):
    """Published gate: ``1`` above the threshold; backward the identity, gradients clipped to ±1."""

    @staticmethod
    def forward(context: Any, probability: Tensor, threshold: float) -> Tensor:
        return (probability > threshold).to(probability.dtype)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient.clamp(-1, 1), None


def hard_sigmoid(probability: Tensor, threshold: float) -> Tensor:
    """Gates of the published rule."""
    gates: Tensor = HardSigmoid.apply(probability, threshold)  # type: ignore[no-untyped-call]  # torch has no type here
    return gates


def open_floor(gates: Tensor, scores: Tensor, sizes: Ints, floors: Ints) -> Tensor:
    """Open the best gates of groups that have fewer open ones than their floor.

    Args:
        gates: 0 or 1 for every channel.
        scores: by which the best are chosen.
        sizes: channels of every group.
        floors: open gates that every group has at least.

    Shape:
        - gates, scores and result: ``(channels,)``
        - sizes, floors: ``(groups,)``
    """
    offset = 0
    opened = None
    for size, floor in zip(sizes.tolist(), floors.tolist(), strict=True):
        group = slice(offset, offset + size)
        if float(gates[group].detach().sum()) < floor:
            opened = torch.zeros_like(gates, requires_grad=False) if opened is None else opened
            opened[offset + scores[group].detach().topk(floor).indices] = 1
        offset += size
    return gates if opened is None else torch.maximum(gates, opened)


def step(optimizer: torch.optim.Optimizer, loss: Tensor) -> float:
    """One update of the logits. Returns the loss."""
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    optimizer.step()
    return float(loss.detach())
