"""What masks are judged by: the loss of the masked model on a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ..errors import UserError
from .graph.flow import Flow, follow
from .graph.trace import trace
from .masked import MaskedModel
from .structure import Structure

#: of the estimated sources and the batch's references, both as the caller's data has them
Loss = Callable[[Tensor, Tensor], Tensor]


def snr_loss(estimate: Tensor, target: Tensor) -> Tensor:
    """Negative signal-to-noise ratio in decibels, source by source in the given order, averaged.

    Shape:
        - estimate, target: ``(..., samples)``
    """
    noise = (estimate - target).square().sum(-1)
    signal = target.square().sum(-1)
    return 10 * torch.log10((noise + 1e-6 * signal + 1e-8) / (signal + 1e-8)).mean()


class Objective:
    """Loss of a batch ``(mixture, references)`` under gates.

    Args:
        structure: channel groups of the module, whose parameters must not require gradients.
        loss: of estimate and references; ``None`` is the permutation-invariant one of training; ``"teacher"`` compares
            with the dense module's own output and needs no references.
        rank: dimensions of the module's input; a mixture with one less gets a channel dimension.
    """

    def __init__(self, structure: Structure, loss: Loss | str | None, rank: int) -> None:
        self.structure, self.rank = structure, rank
        self.teacher = loss == "teacher"
        self.delay = int(getattr(structure.module, "delay", 0))
        self._models: dict[tuple[int, ...], MaskedModel] = {}
        self._flows = {tuple(flow.trace.inputs[0].shape): flow for flow in reversed(structure.flows)}
        if loss is None:
            from ..losses import pit_snr_loss

            self.loss: Loss = pit_snr_loss
        elif self.teacher:
            self.loss = snr_loss
        elif callable(loss):
            self.loss = loss
        else:
            raise UserError(f"{loss!r} is not a loss: give a function of estimate and references, 'teacher', or None")

    def inputs(self, batch: Any) -> tuple[Tensor, ...]:
        """What the module takes, of a batch."""
        mixture = batch[0] if isinstance(batch, (tuple, list)) else batch
        device = next(self.structure.module.parameters()).device
        mixture = mixture.to(device)
        return (mixture.unsqueeze(1) if mixture.dim() == self.rank - 1 else mixture,)

    def __call__(self, gates: Tensor, batch: Any) -> Tensor:
        inputs = self.inputs(batch)
        estimate = tree_leaves(self._model(inputs)(gates, *inputs))[0]
        if self.teacher:
            with torch.no_grad():
                target = tree_leaves(self.structure.module(*inputs))[0]
            return self.loss(estimate, target)
        references = batch[1].to(estimate.device)
        return self.loss(estimate[..., self.delay :], references[..., : references.shape[-1] - self.delay])

    def flow_for(self, inputs: tuple[Tensor, ...]) -> Flow:
        """The module's graph at the shape of these inputs.

        Raises:
            UserError: at this shape it couples channels otherwise than at those that were traced before.
        """
        sizes = tuple(inputs[0].shape)
        if sizes not in self._flows:
            self._flows[sizes] = self._followed(inputs)
        return self._flows[sizes]

    def _model(self, inputs: tuple[Tensor, ...]) -> MaskedModel:
        sizes = tuple(inputs[0].shape)
        if sizes not in self._models:
            self._models[sizes] = MaskedModel(self.structure, self.flow_for(inputs))
        return self._models[sizes]

    def _followed(self, inputs: tuple[Tensor, ...]) -> Flow:
        before = _all_numbers(self.structure)
        flow = follow(self.structure.module, trace(self.structure.module, inputs), self.structure.flows[0])
        if any(not np.array_equal(old, new) for old, new in zip(before, _all_numbers(self.structure), strict=False)):
            raise UserError(
                f"{type(self.structure.module).__name__} couples its channels otherwise for a batch of "
                f"shape {tuple(inputs[0].shape)}: make all batches of one shape"
            )
        return flow


def _all_numbers(structure: Structure) -> list[np.ndarray]:
    numbers = [structure.numbered(vector) for dims in structure.flows[0].parameters.values() for vector in dims]
    return [np.zeros(0) if item is None else item for item in numbers]


def endless(data: Iterable[Any]) -> Iterator[Any]:
    """Batches, from the start again when they run out.

    Raises:
        UserError: there are none.
    """
    while True:
        empty = True
        for batch in data:
            empty = False
            yield batch
        if empty:
            raise UserError("the data for learning masks has no batches: give at least one")


def freeze(module: nn.Module) -> nn.Module:
    """The module in evaluation mode, its parameters without gradients; changed in place."""
    return module.eval().requires_grad_(False)
