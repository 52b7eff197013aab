"""Muon, Adam, clipping and averaging of weights, on a processor or a GPU."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..separators.calling import multiplies_bf16
from .processes import Processes
from .settings import OptimiserSettings

METHODS = ("adam", "muon")
PRECISIONS = ("fp32", "bf16")
#: of the Newton-Schulz iteration, as in :class:`torch.optim.Muon`
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_MOMENTUM = 0.95
_BETAS, _EPS = (0.9, 0.999), 1e-8


class Optimiser:
    """Updates a separator and the average of its weights.

    ``adam`` is Adam with decoupled weight decay for all weights. ``muon`` uses Muon for matrices and Adam for the rest:
    Muon (Jordan, "Muon: an optimizer for hidden layers in neural networks", 2024) makes every update of a matrix nearly
    orthogonal, here with the root mean square of an update of Adam, so that one step size suits both. It learns more
    from an hour of mixtures, and costs a fixed time per update: use batches of eight or more per process. Several
    processes share that cost.

    The gradient is clipped to a norm. If it is not finite, the update is skipped. No step depends on values on the
    host, so a CUDA graph can capture :meth:`step`.

    Args:
        separator: what is trained; weights that need no gradient do not change.
        average: a copy of it, which takes the average of its weights.
        settings: how.
        processes: those that train the same separator.

    Raises:
        UserError: there is no such method or precision.
    """

    def __init__(
        self, separator: nn.Module, average: nn.Module, settings: OptimiserSettings, processes: Processes
    ) -> None:
        if settings.method not in METHODS:
            raise UserError(f"there is no optimiser {settings.method!r}: choose from {', '.join(METHODS)}")
        if settings.precision not in PRECISIONS:
            raise UserError(f"there is no precision {settings.precision!r}: choose from {', '.join(PRECISIONS)}")
        self.parameters = [weight for weight in separator.parameters() if weight.requires_grad and weight.numel()]
        self._settings, self._processes = settings, processes
        both = list(zip(average.state_dict().values(), separator.state_dict().values(), strict=True))
        self._means = [(mean, now) for mean, now in both if mean.is_floating_point()]
        self._copies = [(mean, now) for mean, now in both if not mean.is_floating_point()]
        shapes: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, weight in enumerate(self.parameters):
            shapes[tuple(weight.shape) if weight.ndim == 2 and settings.method == "muon" else ()].append(index)
        self._others = shapes.pop((), [])
        self._matrices = list(shapes.values())
        self._momenta = [torch.zeros_like(self._stacked(self.parameters, group)) for group in self._matrices]
        device = next(separator.parameters()).device
        count = sum(self.parameters[index].numel() for index in self._others)
        self._first, self._second = torch.zeros(count, device=device), torch.zeros(count, device=device)
        self._steps, self._count = torch.zeros((), device=device), torch.zeros((), device=device)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs besides the weights; the same in every process."""
        momenta = {f"momentum.{number}": momentum for number, momentum in enumerate(self._momenta)}
        return {"count": self._count, "steps": self._steps, "first": self._first, "second": self._second, **momenta}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue from the state of an optimiser of the same separator and settings."""
        for name, tensor in self.state_dict().items():
            tensor.copy_(state[name])

    @torch.no_grad()
    def step(self, rate: Tensor) -> None:
        """Move the weights by the gradients that a backward pass has left, then update the average of the weights.

        Several processes first replace their gradients by the mean over all of them.

        Args:
            rate: step size, a scalar on the device.
        """
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in self.parameters]
        self._processes.average(gradients)
        if gradients:
            norm = torch.stack(torch._foreach_norm(gradients)).norm()
            finite = norm.isfinite()
            scale = torch.nan_to_num((self._settings.clip / (norm + 1e-6)).clamp_max(1.0), 0.0) * finite
            gradients = [torch.nan_to_num(gradient, 0.0, 0.0, 0.0) * scale for gradient in gradients]
            self._move([weight.data for weight in self.parameters], gradients, rate * finite, finite.float())
        self._average()

    def _move(self, weights: list[Tensor], gradients: Sequence[Tensor], rate: Tensor, finite: Tensor) -> None:
        if self._settings.weight_decay:
            torch._foreach_mul_(weights, 1 - rate * self._settings.weight_decay)
        updates = []
        for number, (group, momentum) in enumerate(zip(self._matrices, self._momenta, strict=True)):
            gradient = self._stacked(gradients, group)
            momentum.lerp_(gradient, (1 - _MOMENTUM) * finite)
            update = self._share(gradient.lerp(momentum, _MOMENTUM), number)
            updates.append(0.2 * math.sqrt(max(update.shape[1:])) * update)
        self._exchange(updates)
        for group, update in zip(self._matrices, updates, strict=True):
            torch._foreach_sub_([weights[index] for index in group], list((rate * update).unbind()))
        if self._others:
            self._adam([weights[index] for index in self._others], gradients, rate, finite)

    def _share(self, matrices: Tensor, number: int) -> Tensor:
        """This process's share of the orthogonal matrices, zeros for the rest."""
        count = self._processes.count
        if count == 1:
            return orthogonal(matrices).float()
        mine = slice((self._processes.rank - number) % count, None, count)  # groups of one are shared as well
        result = torch.zeros_like(matrices)
        if len(matrices[mine]):
            result[mine] = orthogonal(matrices[mine]).float()
        return result

    def _exchange(self, updates: Sequence[Tensor]) -> None:
        """Add up the shares of all processes, in place."""
        if self._processes.count > 1 and updates:
            total = torch.cat([update.flatten() for update in updates])
            self._processes.add_up(total)
            for update, piece in zip(updates, torch.split(total, [update.numel() for update in updates]), strict=True):
                update.copy_(piece.view_as(update))

    def _adam(self, weights: list[Tensor], gradients: Sequence[Tensor], rate: Tensor, finite: Tensor) -> None:
        gradient = torch.cat([gradients[index].flatten() for index in self._others])
        self._steps += finite
        self._first.lerp_(gradient, (1 - _BETAS[0]) * finite)
        self._second.lerp_(gradient.square(), (1 - _BETAS[1]) * finite)
        steps = self._steps.clamp_min(1)
        first = self._first / (1 - _BETAS[0] ** steps)
        second = self._second / (1 - _BETAS[1] ** steps)
        update = rate * first / (second.sqrt() + _EPS)
        pieces = torch.split(update, [weight.numel() for weight in weights])
        torch._foreach_sub_(weights, [piece.view_as(weight) for piece, weight in zip(pieces, weights, strict=True)])

    def _average(self) -> None:
        """Average the weights over about ``1 / (1 - ema)`` updates, at the start of a run over fewer."""
        self._count += 1
        decay = (self._count / (self._count + 10)).clamp_max(self._settings.ema)
        means, now = [mean for mean, _ in self._means], [weight for _, weight in self._means]
        change = torch._foreach_sub(now, means)
        torch._foreach_mul_(change, 1 - decay)
        torch._foreach_add_(means, change)
        for mean, value in self._copies:
            mean.copy_(value)

    @staticmethod
    def _stacked(tensors: Sequence[Tensor], group: Iterable[int]) -> Tensor:
        return torch.stack([tensors[index].detach() for index in group])


def orthogonal(matrices: Tensor) -> Tensor:
    """Nearly orthogonal matrices of the same directions (Jordan, "Muon", 2024), in bf16 where that is faster.

    Shape:
        - matrices and result: ``(count, rows, columns)``
    """
    a, b, c = _COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    if multiplies_bf16(matrices.device):
        x = x.bfloat16()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def freeze(separator: nn.Module, prefixes: Iterable[str]) -> None:
    """Exclude weights from training by the prefixes of their names.

    Raises:
        UserError: no weight has a name with such a prefix, or no weight is left.
    """
    prefixes = list(prefixes)
    for prefix in prefixes:
        weights = [weight for name, weight in separator.named_parameters() if name.startswith(prefix)]
        if not weights:
            parts = ", ".join(name for name, _ in separator.named_children())
            raise UserError(f"`frozen` names {prefix!r}, but no weight has that prefix: the parts are {parts}")
        for weight in weights:
            weight.requires_grad_(False)
    if not any(weight.requires_grad for weight in separator.parameters()):
        raise UserError(f"`frozen` names {', '.join(map(repr, prefixes))}: no weight is left to learn")
