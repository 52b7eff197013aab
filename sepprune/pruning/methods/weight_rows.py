"""Weights of a channel in every layer of its group, for methods that only look at weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ..arrays import Floats
from ..structure import Group, Structure


def weight_rows(structure: Structure, group: Group) -> Iterator[Tensor]:
    """The group's channels in every weight that produces or reads them, each ``(channels, values)``.

    Vectors (biases, norms) say little about what a channel carries, and are left out as is usual.
    """
    flow = structure.flows[0]
    tensors = dict(structure.module.named_parameters())
    start = 1 + int(structure.sizes[: structure.groups.index(group)].sum())
    for name, dimension, count in group.members:
        value = tensors.get(name)
        numbers = structure.numbered(flow.parameters[name][dimension])
        if value is None or value.dim() < 2 or numbers is None:
            continue
        # a complex weight counts with both its parts
        parts = torch.view_as_real(value.detach().resolve_conj()) if value.is_complex() else value.detach()
        rows = parts.movedim(dimension, 0).flatten(1).float()
        order = np.concatenate([np.flatnonzero(numbers == start + index) for index in range(group.channels)])
        yield rows[torch.from_numpy(order).to(rows.device)].reshape(group.channels, count * rows.shape[1])


def added(parts: Iterator[Tensor], channels: int) -> Floats:
    """Sum of the scores that every weight gives, ``(channels,)``; zeros for a group without weights."""
    rows = list(parts)
    if not rows:
        return np.zeros(channels)
    return np.asarray(sum(rows[1:], rows[0]).cpu().double().numpy())


def relative(scores: Floats) -> Floats:
    """Scores of a group divided by their mean, so that they can be compared between groups."""
    return scores / max(float(scores.mean()), 1e-30)
