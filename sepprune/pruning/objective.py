"""The objective of mask learning: the loss of the masked model on a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ..errors import UserError
from ..losses import pit_snr_loss
from .arrays import Ints
from .graph.flow import Flow
from .graph.follow import follow
from .graph.trace import trace
from .masked import MaskedModel
from .structure import Structure

#: of the estimated sources and the batch's references, in the shapes of the caller's data
Loss = Callable[[Tensor, Tensor], Tensor]

#: ``(mixture, references)``, or a mixture alone where the loss needs no references
Batch = Any  # pairs, lists and tensors are accepted, as data loaders of any library yield them


def snr_loss(estimate: Tensor, target: Tensor) -> Tensor:
    """Negative signal-to-noise ratio in decibels, source by source in the given order, averaged.

    Shape:
        - estimate, target: ``(..., samples)``
    """
    noise = (estimate - target).square().sum(-1)
    signal = target.square().sum(-1)
    return 10 * torch.log10((noise + 1e-6 * signal + 1e-8) / (signal + 1e-8)).mean()


#: batches of a generator that are kept in memory so that they can be repeated
MOST_KEPT = 32


class Objective:
    """Loss of a batch ``(mixture, references)`` under gates.

    Args:
        structure: channel groups of the module, whose parameters must not require gradients.
        loss: of estimate and references. ``None`` is the permutation-invariant SNR loss; ``"teacher"`` compares with
            the dense module's own output and needs no references.
        rank: number of dimensions of the module's input; a mixture with one less gets a channel dimension.

    Raises:
        UserError: the loss is none of these.
    """

    def __init__(self, structure: Structure, loss: Loss | str | None, rank: int) -> None:
        if not (loss is None or loss == "teacher" or callable(loss)):
            raise UserError(f"{loss!r} is not a loss: give a function of estimate and references, 'teacher', or None")
        self.structure, self.rank = structure, rank
        self.teacher = loss == "teacher"
        self.loss: Loss = pit_snr_loss if loss is None else snr_loss if isinstance(loss, str) else loss
        self.delay = int(getattr(structure.module, "delay", 0))
        self._models: dict[tuple[int, ...], MaskedModel] = {}
        self._flows = {tuple(flow.trace.inputs[0].shape): flow for flow in reversed(structure.flows)}

    def __call__(self, gates: Tensor, batch: Batch) -> Tensor:
        """The loss, differentiable in the gates.

        Shape:
            - gates: ``(channels,)``
        """
        model, inputs = self.masked(batch)
        estimate = tree_leaves(model(gates, *inputs))[0]
        if self.teacher:
            with torch.no_grad():
                target = tree_leaves(self.structure.module(*inputs))[0]
            return self.loss(estimate, target)
        references = self._references(batch, estimate)
        return self.loss(estimate[..., self.delay :], references[..., : references.shape[-1] - self.delay])

    def _references(self, batch: Batch, estimate: Tensor) -> Tensor:
        """The batch's references, of which the permutation-invariant loss needs one per source."""
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise UserError(
                "a batch of data is a mixture without references: give pairs (mixture, references), or "
                "loss='teacher', which needs no references"
            )
        references: Tensor = batch[1].to(estimate.device)
        if self.loss is pit_snr_loss and references.shape[:-1] != estimate.shape[:-1]:
            raise UserError(
                f"the references have shape {tuple(references.shape)}, but the separator gives "
                f"{tuple(estimate.shape)}: give one reference per source, as (batch, sources, samples), "
                "or a loss= that compares the two"
            )
        return references

    def masked(self, batch: Batch) -> tuple[MaskedModel, tuple[Tensor, ...]]:
        """The masked model for a batch of this shape, and the module's inputs in the batch.

        Raises:
            UserError: at this shape the module ties channels that are not tied at the shapes that were traced before.
        """
        mixture = batch[0] if isinstance(batch, (tuple, list)) else batch
        mixture = mixture.to(next(self.structure.module.parameters()).device)
        inputs = (mixture.unsqueeze(1) if mixture.dim() == self.rank - 1 else mixture,)
        sizes = tuple(inputs[0].shape)
        if sizes not in self._models:
            self._models[sizes] = MaskedModel.of(self.structure, self._flows.get(sizes) or self._followed(inputs))
        return self._models[sizes], inputs

    def _followed(self, inputs: tuple[Tensor, ...]) -> Flow:
        before = _all_numbers(self.structure)
        flow = follow(self.structure.module, trace(self.structure.module, inputs), self.structure.flows[0])
        if any(not np.array_equal(old, new) for old, new in zip(before, _all_numbers(self.structure), strict=False)):
            raise UserError(
                f"{type(self.structure.module).__name__} ties other channels for a batch of "
                f"shape {tuple(inputs[0].shape)}: make all batches of one shape"
            )
        return flow


def _all_numbers(structure: Structure) -> list[Ints]:
    """Channel numbers along all dimensions of all parameters."""
    numbers = [structure.numbered(vector) for dims in structure.flows[0].parameters.values() for vector in dims]
    return [np.zeros(0, dtype=np.int64) if item is None else item for item in numbers]


def endless(data: Iterable[Batch]) -> Iterator[Batch]:
    """Batches, again from the start when they run out.

    Raises:
        UserError: there are none.
    """
    seen: list[Batch] = []
    count = 0
    once = iter(data) is data  # a generator cannot be started again, so its batches are kept while they are few
    for batch in data:
        count += 1
        if once and count <= MOST_KEPT:
            seen.append(batch)
        else:
            seen.clear()
        yield batch
    if not count:
        raise UserError("the data for learning masks has no batches: give at least one")
    if count > len(seen) and once:
        raise UserError(
            f"the generator of data ended after {count} batches, more than the {MOST_KEPT} that are repeated: give a "
            "list or a DataLoader, which can be repeated, or as many batches as steps"
        )
    while True:
        yield from seen if once else data


def freeze(module: nn.Module) -> nn.Module:
    """The module in evaluation mode, its parameters without gradients; changed in place."""
    return module.eval().requires_grad_(False)
