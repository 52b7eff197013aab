"""The rivals: other ways to rank channels, under the same groups, budget and surgery.

Every one gives a score for each channel. Scores are made comparable between groups by dividing by the group's mean,
except where the method defines a global score of its own (LAMP, Taylor).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, fx

from ..graph.flow import Flow, shape
from ..masked import MaskedModel
from ..structure import Group, Structure
from .gates import GateLoss


class Importance:
    """Scores channels. ``needs_data`` tells whether batches are used."""

    needs_data: ClassVar[bool] = False

    def scores(
        self,
        structure: Structure,
        seed: int,
        loss: GateLoss | None = None,
        batches: Iterator[Any] | None = None,
        number: int = 0,
        device: torch.device | str = "cpu",
    ) -> np.ndarray:
        """Scores of all channels, ``(channels,)``; higher is more important."""
        raise NotImplementedError


def weight_rows(structure: Structure, group: Group) -> Iterator[Tensor]:
    """The group's channels in every weight that produces or reads them, each ``(channels, values)``.

    Vectors (biases, norms) are no evidence of what a channel carries, and are left out as is usual.
    """
    flow = structure.flows[0]
    tensors = dict(structure.module.named_parameters())
    start = 1 + int(structure.sizes[: structure.groups.index(group)].sum())
    for name, dimension, count in group.members:
        value = tensors.get(name)
        numbers = structure.numbered(flow.parameters[name][dimension])
        if value is None or value.dim() < 2 or numbers is None:
            continue
        rows = value.detach().movedim(dimension, 0).flatten(1).float()
        order = np.concatenate([np.flatnonzero(numbers == start + index) for index in range(group.channels)])
        yield rows[torch.from_numpy(order).to(rows.device)].reshape(group.channels, count * rows.shape[1])


class Random(Importance):
    """No evidence at all: the floor that every method must beat."""

    def scores(self, structure: Structure, seed: int, *_: Any, **__: Any) -> np.ndarray:
        return np.random.default_rng(seed).random(int(structure.sizes.sum()))


class Magnitude(Importance):
    """Norm of a channel's weights, in every layer of its group (Li et al., ICLR 2017)."""

    order: ClassVar[int] = 1

    def scores(self, structure: Structure, seed: int, *_: Any, **__: Any) -> np.ndarray:
        return np.concatenate([_relative(self._group(structure, group)) for group in structure.groups])

    def _group(self, structure: Structure, group: Group) -> np.ndarray:
        return (
            sum(
                rows.norm(self.order, dim=1) / rows.norm(self.order, dim=1).mean().clamp(min=1e-12)
                for rows in weight_rows(structure, group)
            )
            .cpu()
            .double()
            .numpy()
        )


class L1(Magnitude):
    """Sum of absolute weights."""


class L2(Magnitude):
    """Euclidean norm of the weights."""

    order = 2


class FPGM(Magnitude):
    """Distance to the other channels: near the geometric median is replaceable (He et al., CVPR 2019)."""

    def _group(self, structure: Structure, group: Group) -> np.ndarray:
        rows = torch.cat(list(weight_rows(structure, group)), dim=1)
        return torch.cdist(rows, rows).sum(1).cpu().double().numpy()


class LAMP(Magnitude):
    """Squared norm over the squared norms of all channels at least as large (Lee et al., ICLR 2021), by group."""

    def scores(self, structure: Structure, seed: int, *_: Any, **__: Any) -> np.ndarray:
        return np.concatenate([self._group(structure, group) for group in structure.groups])

    def _group(self, structure: Structure, group: Group) -> np.ndarray:
        squares = sum(rows.square().sum(1) for rows in weight_rows(structure, group)).cpu().double().numpy()
        order = np.argsort(squares)
        survivors = np.cumsum(squares[order][::-1])[::-1]
        result = np.empty_like(squares)
        result[order] = squares[order] / np.maximum(survivors, 1e-30)
        return result


class Taylor(Importance):
    """First-order change of the loss when a channel goes: ``(dL/dgate)**2`` (Molchanov et al., CVPR 2019)."""

    needs_data = True

    def scores(
        self,
        structure: Structure,
        seed: int,
        loss: GateLoss | None = None,
        batches: Iterator[Any] | None = None,
        number: int = 16,
        device: torch.device | str = "cpu",
    ) -> np.ndarray:
        total = torch.zeros(int(structure.sizes.sum()), device=device)
        for _ in range(number):
            gates = torch.ones_like(total, requires_grad=True)
            (gradient,) = torch.autograd.grad(loss(gates, next(batches)), gates)
            total += gradient.square()
        return (total / number).cpu().double().numpy()


#: side of the square feature maps whose rank is taken, at most
_MAP_SIDE = 32


class HRank(Importance):
    """Rank of a channel's feature map (Lin et al., CVPR 2020).

    Images have square maps, whose rank can take many values; sound has rows. What a channel holds is therefore folded
    into squares, as large as its number of values allows up to 32 by 32, and the ranks of the squares are averaged.
    """

    needs_data = True

    def scores(
        self,
        structure: Structure,
        seed: int,
        loss: GateLoss | None = None,
        batches: Iterator[Any] | None = None,
        number: int = 4,
        device: torch.device | str = "cpu",
    ) -> np.ndarray:
        total = np.zeros(int(structure.sizes.sum()) + 1)
        seen = np.zeros_like(total)
        for _ in range(number):
            inputs = loss.inputs(next(batches))  # type: ignore[union-attr]
            watcher = _Watcher(structure, loss.flow_for(inputs))  # type: ignore[union-attr]
            with torch.no_grad():
                watcher(torch.ones(len(total) - 1, device=device), *inputs)
            total += watcher.total
            seen += watcher.seen
        mean = (total / np.maximum(seen, 1))[1:]
        return np.concatenate([_relative(part) for part in np.split(mean, np.cumsum(structure.sizes)[:-1])])


class _Watcher(MaskedModel):
    """Takes the rank of every channel's feature map where channels are summed over."""

    def __init__(self, structure: Structure, flow: Flow) -> None:
        super().__init__(structure, flow)
        self.structure, self.flow = structure, flow
        self.total = np.zeros(int(structure.sizes.sum()) + 1)
        self.seen = np.zeros_like(self.total)

    def run_node(self, node: fx.Node) -> Any:
        for source in node.all_input_nodes if node in self.places else ():
            if source.op != "get_attr" and isinstance(self.env.get(source), Tensor):
                self._watch(source, self.env[source])
        return super().run_node(node)

    def _watch(self, node: fx.Node, value: Tensor) -> None:
        for dimension, vector in enumerate(self.flow.of(node)):
            numbers = self.structure.numbered(vector)
            if numbers is None or len(shape(node)) < 2:
                continue
            maps = value.movedim(dimension, 0).flatten(1)
            side = max(1, min(_MAP_SIDE, math.isqrt(maps.shape[1])))
            squares = maps.shape[1] // side**2
            maps = maps[:, : squares * side**2].reshape(maps.shape[0], squares, side, side)
            ranks = torch.linalg.matrix_rank(maps.float(), rtol=1e-3).double().mean(1).cpu().numpy()
            np.add.at(self.total, numbers, ranks)
            np.add.at(self.seen, numbers, 1)


def _relative(scores: np.ndarray) -> np.ndarray:
    return scores / max(float(scores.mean()), 1e-30)


#: every rival by the name that commands take
RIVALS: dict[str, Callable[[], Importance]] = {
    "random": Random,
    "l1": L1,
    "l2": L2,
    "taylor": Taylor,
    "fpgm": FPGM,
    "hrank": HRank,
    "lamp": LAMP,
}
