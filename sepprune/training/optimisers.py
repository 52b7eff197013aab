"""Optimisers by name, for a separator's parameters."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ..errors import UserError
from .settings import OptimiserSettings

METHODS = ("adam", "muon")


class Optimisers:
    """Several optimisers that share one step size, as one.

    Args:
        parts: the optimisers, each with its own parameters.
    """

    def __init__(self, parts: list[torch.optim.Optimizer]) -> None:
        self.parts = parts

    @property
    def learning_rate(self) -> float:
        """Step size of all of them."""
        return self.parts[0].param_groups[0]["lr"]

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = value

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def step(self) -> None:
        for part in self.parts:
            part.step()

    def state_dict(self) -> list[dict[str, Any]]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        for part, content in zip(self.parts, state, strict=True):
            part.load_state_dict(content)

    def gather(self) -> None:
        """Bring what other processes keep to the first: all of them call it before that one asks for the state."""
        for part in self.parts:
            if hasattr(part, "consolidate_state_dict"):
                part.consolidate_state_dict(to=0)


def build_optimisers(separator: nn.Module, settings: OptimiserSettings, processes: int = 1) -> Optimisers:
    """Adam (with decoupled weight decay) for everything, or Muon for matrices and Adam for the rest.

    Muon (Jordan, "Muon: an optimizer for hidden layers in neural networks", 2024) makes every update of a weight
    matrix nearly orthogonal, here with Adam's root mean square, so that one step size suits both. It learns more
    from an hour of mixtures, and costs a fixed time an update: give it batches of eight or more a process. Several
    processes share that time: each makes the updates of its own matrices and sends them to the others.

    Args:
        separator: what is trained.
        settings: how.
        processes: how many train it, their process group set up.

    Raises:
        UserError: there is no such method.
    """
    parameters = [weight for weight in separator.parameters() if weight.requires_grad and weight.numel()]
    shared = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if settings.method == "adam":
        return Optimisers([torch.optim.AdamW(parameters, fused=True, **shared)])
    if settings.method == "muon":
        matrices = [weight for weight in parameters if weight.ndim == 2]
        others = [weight for weight in parameters if weight.ndim != 2]
        parts: list[torch.optim.Optimizer] = []
        if matrices:
            parts.append(_muon(matrices, processes, adjust_lr_fn="match_rms_adamw", **shared))
        if others:
            parts.append(torch.optim.AdamW(others, fused=True, **shared))
        return Optimisers(parts)
    raise UserError(f"there is no optimiser {settings.method!r}: choose from {', '.join(METHODS)}")


def freeze(separator: nn.Module, beginnings: tuple[str, ...]) -> None:
    """Keep weights whose names begin so from learning.

    Raises:
        UserError: no weight's name begins so.
    """
    for beginning in beginnings:
        weights = [weight for name, weight in separator.named_parameters() if name.startswith(beginning)]
        if not weights:
            parts = ", ".join(name for name, _ in separator.named_children())
            raise UserError(f"`frozen` names {beginning!r}, but no weight's name begins so: the parts are {parts}")
        for weight in weights:
            weight.requires_grad_(False)


def _muon(matrices: list[nn.Parameter], processes: int, **settings: Any) -> torch.optim.Optimizer:
    if processes == 1:
        return torch.optim.Muon(matrices, **settings)
    from torch.distributed.optim import ZeroRedundancyOptimizer

    return ZeroRedundancyOptimizer(matrices, torch.optim.Muon, **settings)
