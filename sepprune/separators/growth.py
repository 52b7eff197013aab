"""Growth: a larger separator that begins as a smaller one, which has been trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import UserError
from .skim import SkiM

_GATES = 4  # rows of an LSTM's weights: input, forget, cell and output gate of every unit


@torch.no_grad()
def grow(small: nn.Module, large: nn.Module) -> nn.Module:
    """Give ``large`` the weights of ``small``, so that both compute the same; returns ``large``.

    Chen, Goodfellow and Shlens, "Net2Net: accelerating learning via knowledge transfer", ICLR 2016, double units and
    share their weights out. Here what is new starts with fresh weights, and nothing old reads it yet: new units of an
    LSTM, new blocks at the end, whose residual branch is zero, and mixture consistency, whose shares are zero. The
    first update lets it in.

    Args:
        small: a SkiM.
        large: a SkiM with the same filterbank, ``features`` and ``segment``, and at least as many ``hidden`` units,
            ``blocks`` and units of ``memory``; with the same ``consistency``, or with one where the small one has none.

    Raises:
        UserError: one of them is something else, or ``large`` is not larger in this way.
    """
    if not (isinstance(small, SkiM) and isinstance(large, SkiM)):
        raise UserError(f"only SkiM grows: this is {type(small).__name__} into {type(large).__name__}")
    if len(large.network) < len(small.network):
        raise UserError(f"{len(small.network)} blocks do not grow into {len(large.network)}: give at least as many")
    if small.norm.normalized_shape != large.norm.normalized_shape:
        raise UserError(
            f"{small.norm.normalized_shape[0]} features do not grow into {large.norm.normalized_shape[0]}: give as many"
        )
    if small.segment != large.segment:
        raise UserError(f"segments of {small.segment} frames do not grow into {large.segment}: give the same `segment`")
    units, more = (0 if skim.consistency is None else skim.consistency.units for skim in (small, large))
    if units not in (0, more):
        raise UserError(f"mixture consistency of {units} units does not grow into {more}: give the same `consistency`")
    old = dict(small.named_parameters())
    for block in list(large.network)[len(small.network) :]:
        block.project.weight.zero_()
        block.project.bias.zero_()
    for name, weight in large.named_parameters():
        if name in old:
            _put(name, old[name], weight)
    return large


def _put(name: str, old: Tensor, new: Tensor) -> None:
    """Old weights into their places among new ones; old rows read nothing from new columns."""
    gates = _GATES if ".lstm." in name or "_lstm." in name else 1
    rows = old.shape[0] // gates
    filterbank = old.ndim > 2
    if (
        old.ndim != new.ndim
        or filterbank
        and old.shape != new.shape
        or any(less > more for less, more in zip(old.shape, new.shape, strict=True))
    ):
        raise UserError(
            f"{name} of shape {tuple(old.shape)} does not grow into {tuple(new.shape)}: give the "
            "same filterbank, and no fewer `hidden` units and units of `memory`"
        )
    old, new = old.unflatten(0, (gates, -1)), new.unflatten(0, (gates, -1))
    if new.ndim > 2:
        new[:, :rows, old.shape[2] :] = 0
        new[:, :rows, : old.shape[2]] = old
    else:
        new[:, :rows] = old
