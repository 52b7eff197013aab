"""Growth: a larger separator starts with the weights of a trained smaller one and computes the same."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import UserError
from .skim import SkiM

#: blocks of rows in an LSTM's weights: input, forget, cell and output gate
_GATES = 4


@torch.no_grad()
def grow(small: nn.Module, large: nn.Module) -> nn.Module:
    """Give ``large`` the weights of ``small``, so that both compute the same.

    Chen, Goodfellow and Shlens, "Net2Net: accelerating learning via knowledge transfer", ICLR 2016, copy units and
    divide the outgoing weights among the copies. Here new parts keep their fresh weights, and nothing old reads them
    at first: new LSTM units have outgoing weights of zero, new blocks at the end have a residual branch of zero, and
    new mixture consistency has shares of zero. These zeros are learned from the first update on.

    Args:
        small: a SkiM.
        large: a SkiM with the same filterbank, ``features`` and ``segment``, and at least as many ``hidden`` units,
            ``blocks`` and units of ``memory``. Its ``consistency`` is the same, or ``small`` has none.

    Returns:
        ``large``, changed in place.

    Raises:
        UserError: one of them is another separator, or ``large`` is not larger in this way.
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
    for name, weight in large.named_parameters():
        if name in old:
            place(weight, old[name], _places(name, old[name], weight))
        elif name.startswith("network.") and ".project." in name:  # the end of a new block's residual branch
            weight.zero_()
    return large


@torch.no_grad()
def place(new: Tensor, old: Tensor, indices: Sequence[Tensor]) -> None:
    """Put old weights at their indices in a larger tensor, so that old rows read nothing from new columns.

    Args:
        new: the larger tensor, changed in place. Its rows (dimension 0) are outputs; rows without old weights stay
            as they are.
        old: the weights to put.
        indices: for every dimension of ``old``, the index in ``new`` of each of its entries.
    """
    if new.ndim == 0:
        new.copy_(old)
        return
    if new.ndim > 1:
        new[indices[0]] = 0
    new[torch.meshgrid(*indices, indexing="ij")] = old


def _places(name: str, old: Tensor, new: Tensor) -> list[Tensor]:
    """Indices of old weights in a grown tensor, for :func:`place`; every gate of an LSTM grows on its own."""
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
    gates = _GATES if ".lstm." in name or "_lstm." in name else 1
    starts = torch.arange(gates)[:, None] * (new.shape[0] // gates)
    rows = (starts + torch.arange(old.shape[0] // gates)).flatten()
    return [rows, *(torch.arange(size) for size in old.shape[1:])]
