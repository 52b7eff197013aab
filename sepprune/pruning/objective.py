"""The objective of mask learning: the loss of the masked model on a batch."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from ..errors import UserError
from ..losses import pit_snr_loss
from .arrays import Ints
from .batches import Batch, call_of
from .graph.call import Call
from .graph.flow import Flow
from .graph.follow import follow, kept_outputs
from .graph.trace import trace
from .masked import MaskedModel
from .precision import raised
from .structure import Structure

#: of the estimated sources and the batch's references, in the shapes of the caller's data
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
        self.output = next(iter(kept_outputs(structure.flows[0], structure.module)), 0)
        self._losses = 0
        self._models: dict[Hashable, MaskedModel] = {}
        self._read = structure.flows[0].trace.read
        self._flows = {self._key(flow.trace.call): flow for flow in reversed(structure.flows)}

    def __call__(self, gates: Tensor, batch: Batch) -> Tensor:
        """The loss, differentiable in the gates.

        Raises:
            UserError: it is not finite, or the batch does not fit the module.

        Shape:
            - gates: ``(channels,)``
        """
        model, inputs = self.masked(batch)
        estimate: Tensor = tree_leaves(model(gates, *inputs))[self.output]
        if self.teacher:
            with torch.no_grad():
                target = tree_leaves(model.flow.trace.call.run(self.structure.module, inputs))[self.output]
            return self._checked(self.loss(estimate, target))
        references = self._references(batch, estimate)
        loss = self.loss(estimate[..., self.delay :], references[..., : references.shape[-1] - self.delay])
        return self._checked(loss)

    def _checked(self, loss: Tensor) -> Tensor:
        self._losses += 1
        if not bool(torch.isfinite(loss.detach()).all()):
            raise UserError(
                f"the loss is {float(loss.detach().mean())} in step {self._losses}, expected a finite number: check "
                "that the data and its references have no values that are NaN or infinite, and that loss= can compare "
                "them"
            )
        return loss

    def _references(self, batch: Batch, estimate: Tensor) -> Tensor:
        """The batch's references, of which the permutation-invariant loss needs one per source."""
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise UserError(
                "a batch of data is a mixture without references: give pairs (mixture, references), or "
                "loss='teacher', which needs no references"
            )
        references: Tensor = tree_map(
            lambda item: raised(item.to(estimate.device)) if isinstance(item, Tensor) else item, batch[1]
        )
        if any(isinstance(leaf, np.ndarray) for leaf in tree_leaves(references)):
            raise UserError(
                "the references of a batch of data are a numpy array: give a torch tensor, such as "
                "torch.from_numpy(references).float()"
            )
        shape = getattr(references, "shape", ())
        if self.loss is pit_snr_loss and shape != estimate.shape:
            raise UserError(
                f"the references have shape {tuple(shape)}, but the separator gives "
                f"{tuple(estimate.shape)}: give one reference per source, as (batch, sources, samples), "
                "or a loss= that compares the two"
            )
        return references

    def masked(self, batch: Batch) -> tuple[MaskedModel, tuple[Tensor, ...]]:
        """The masked model for a batch of this shape, and the module's inputs in the batch.

        Raises:
            UserError: at this shape the module ties channels that are not tied at the shapes that were traced before.
        """
        example = self.structure.flows[0].trace.call
        call = call_of(batch, example, self.rank, example.tensors[0].device).each(raised)
        key = self._key(call)
        if key not in self._models:
            self._models[key] = MaskedModel.of(self.structure, self._flows.get(key) or self._followed(call))
        return self._models[key], call.tensors

    def _key(self, call: Call) -> Hashable:
        """Equal for calls that can share a graph: of one shape, with the same values where a graph depends on them."""
        return call.key, call.values(self._read)

    def _followed(self, call: Call) -> Flow:
        before = _all_numbers(self.structure)
        flow = follow(self.structure.module, trace(self.structure.module, call), self.structure.flows[0])
        if any(not np.array_equal(old, new) for old, new in zip(before, _all_numbers(self.structure), strict=False)):
            raise UserError(
                f"{type(self.structure.module).__name__} ties other channels for a batch of "
                f"shape {call.shapes}: make all batches of one shape"
            )
        return flow


def _all_numbers(structure: Structure) -> list[Ints]:
    """Channel numbers along all dimensions of all parameters."""
    numbers = [structure.numbered(vector) for dims in structure.flows[0].parameters.values() for vector in dims]
    return [np.zeros(0, dtype=np.int64) if item is None else item for item in numbers]


def freeze(module: nn.Module) -> nn.Module:
    """The module in evaluation mode, its parameters without gradients; changed in place."""
    return module.eval().requires_grad_(False)
