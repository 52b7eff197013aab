"""Muon, Adam, clipping and averaging of weights as one fixed series of steps on a device."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from .settings import OptimiserSettings

#: of Newton and Schulz' iteration, as :class:`torch.optim.Muon` has them
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_MOMENTUM = 0.95
_BETAS, _EPS = (0.9, 0.999), 1e-8


class DeviceOptimiser:
    """What :func:`~.optimisers.build_optimisers` does with ``muon``, without a word to the host.

    The step size is a tensor, gradients that are not finite count as zero, and matrices of one shape are made
    orthogonal together: all of it can be captured in a CUDA graph.

    Args:
        separator: what is trained; weights that need no gradient stay as they are.
        average: its copy that takes on the average of its weights.
        settings: as :func:`~.optimisers.build_optimisers` takes them.
    """

    def __init__(self, separator: nn.Module, average: nn.Module, settings: OptimiserSettings) -> None:
        self.parameters = [weight for weight in separator.parameters() if weight.requires_grad]
        means = {name: weight for name, weight in average.named_parameters()}
        self._means = [means[name] for name, weight in separator.named_parameters() if weight.requires_grad]
        self._settings = settings
        self.learning_rate = torch.zeros((), device=self.parameters[0].device)
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, weight in enumerate(self.parameters):
            groups[tuple(weight.shape) if weight.ndim == 2 else ()].append(index)
        self._others = groups.pop((), [])
        self._matrices = list(groups.values())
        self._momenta = [torch.zeros_like(self._stacked(self.parameters, group)) for group in self._matrices]
        flat = self._flat(self.parameters)
        self._first, self._second = torch.zeros_like(flat), torch.zeros_like(flat)
        self._steps = torch.zeros((), device=flat.device)

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move the weights, and their average after them.

        Args:
            gradients: of :attr:`parameters`.
        """
        gradients = [torch.nan_to_num(gradient.float(), 0.0, 0.0, 0.0) for gradient in gradients]
        norm = torch.stack(torch._foreach_norm(gradients)).norm()
        torch._foreach_mul_(gradients, (self._settings.clip / (norm + 1e-6)).clamp_max(1.0))
        weights = [weight.data for weight in self.parameters]
        if self._settings.weight_decay:
            torch._foreach_mul_(weights, 1 - self.learning_rate * self._settings.weight_decay)
        for group, momentum in zip(self._matrices, self._momenta, strict=True):
            gradient = self._stacked(gradients, group)
            momentum.lerp_(gradient, 1 - _MOMENTUM)
            update = orthogonal(gradient.lerp(momentum, _MOMENTUM)).float()
            update *= 0.2 * math.sqrt(max(update.shape[1:])) * self.learning_rate
            torch._foreach_sub_([weights[index] for index in group], list(update.unbind()))
        self._adam(gradients)
        torch._foreach_lerp_([mean.data for mean in self._means], weights, 1 - self._settings.ema)

    def _adam(self, gradients: Sequence[Tensor]) -> None:
        if not self._others:
            return
        gradient = self._flat(gradients)
        self._steps += 1
        self._first.lerp_(gradient, 1 - _BETAS[0])
        self._second.lerp_(gradient.square(), 1 - _BETAS[1])
        first = self._first / (1 - _BETAS[0] ** self._steps)
        second = self._second / (1 - _BETAS[1] ** self._steps)
        update = self.learning_rate * first / (second.sqrt() + _EPS)
        weights = [self.parameters[index].data for index in self._others]
        pieces = update.split([weight.numel() for weight in weights])
        torch._foreach_sub_(weights, [piece.view_as(weight) for piece, weight in zip(pieces, weights, strict=True)])

    @staticmethod
    def _stacked(tensors: Sequence[Tensor], group: Iterable[int]) -> Tensor:
        return torch.stack([tensors[index].detach() for index in group])

    def _flat(self, tensors: Sequence[Tensor]) -> Tensor:
        return torch.cat([tensors[index].detach().flatten() for index in self._others] or [self.learning_rate.view(1)])


def orthogonal(matrices: Tensor) -> Tensor:
    """Nearly orthogonal matrices of the same directions, in bf16 (Jordan, "Muon", 2024).

    Shape:
        - matrices: ``(count, rows, columns)``
    """
    a, b, c = _COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.mT if tall else matrices).bfloat16()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
