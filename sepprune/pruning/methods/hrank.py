"""Pruning by the rank of feature maps (Lin et al., "HRank: filter pruning using high-rank feature map", CVPR 2020)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from ...errors import UserError
from ..arrays import Floats
from ..graph.flow import shape
from ..masked import MaskedModel
from ..structure import Structure
from .protocol import Ranking, Task
from .weight_rows import relative

#: largest side of the square feature maps whose rank is taken
_MAP_SIDE = 32


@dataclass(frozen=True)
class HRank(Ranking):
    """Mean rank of a channel's feature map.

    Images have square maps, whose rank can take many values; a channel of sound is a row. Its values are therefore
    folded into squares, as large as their number allows up to 32 by 32, and the ranks of the squares are averaged.

    Args:
        batches: how many batches are averaged over.
    """

    batches: int = 4
    name = "hrank"
    needs_data = True

    def scores(self, task: Task) -> Floats:
        evidence = task.given_evidence(self.name)
        total, seen = np.zeros(task.channels + 1), np.zeros(task.channels + 1)
        for step in range(1, self.batches + 1):
            model, inputs = evidence.masked(next(evidence.batches))
            ranks = _Ranks(task.structure, model, np.zeros_like(total), np.zeros_like(seen), step)
            with torch.no_grad():
                model(torch.ones(task.channels, device=task.device), *inputs, watch=ranks.watch)
            total += ranks.total
            seen += ranks.seen
        mean = (total / np.maximum(seen, 1))[1:]
        return np.concatenate([relative(part) for part in task.structure.by_group(mean)])


@dataclass(frozen=True)
class _Ranks:
    """Sum and number of the ranks of every channel's feature maps where channels are summed over.

    Attributes:
        structure: the channel groups.
        model: the masked model that runs.
        total, seen: by channel number, number 0 first.
        step: number of the batch, from 1.
    """

    structure: Structure
    model: MaskedModel
    total: Floats
    seen: Floats
    step: int

    def watch(self, node: fx.Node, values: Mapping[fx.Node, Any]) -> None:
        """Add the ranks of a node's inputs, if the node sums over channels."""
        for source in node.all_input_nodes if node in self.model.places else ():
            if source.op != "get_attr" and isinstance(values.get(source), Tensor):
                self._add(source, values[source])

    def _add(self, node: fx.Node, value: Tensor) -> None:
        for dimension, vector in enumerate(self.model.flow.of(node)):
            numbers = self.structure.numbered(vector)
            if numbers is None or len(shape(node)) < 2:
                continue
            maps = value.movedim(dimension, 0).flatten(1)
            side = max(1, min(_MAP_SIDE, math.isqrt(maps.shape[1])))
            squares = maps.shape[1] // side**2
            maps = maps[:, : squares * side**2].reshape(maps.shape[0], squares, side, side)
            if not bool(torch.isfinite(maps).all()):
                raise UserError(
                    f"feature maps in step {self.step} of hrank have values that are not finite: check that the data "
                    "has no values that are NaN, infinite or extremely large"
                )
            ranks = (
                torch.linalg.matrix_rank(maps if maps.is_complex() else maps.float(), rtol=1e-3)
                .double()
                .mean(1)
                .cpu()
                .numpy()
            )
            np.add.at(self.total, numbers, ranks)
            np.add.at(self.seen, numbers, 1)
