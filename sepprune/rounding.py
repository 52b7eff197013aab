"""Weights as a ladder stores them: matrices and filters in 8 bits with one scale a row, the rest in half precision.

Importing this module does not import torch, so the live path may use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

#: name of a rounded tensor -> name of its scales
_SCALE = "{}.scale"
_LARGEST = 127
#: a scale takes four bytes: shorter filters are smaller in half precision
_SHORTEST_FILTER = 16


def rounded(state: Mapping[str, Tensor], bits: int = 8) -> dict[str, Tensor]:
    """Round weights to about a quarter of their size.

    The grid is the one on which OpenVINO computes with 8-bit weights, so weights are not rounded a second time there.

    Args:
        state: weights by name.
        bits: resolution of the numbers of a matrix, 2 to 8. Each number is stored in 8 bits in any case, but fewer
            bits compress better: at 6 bits a packed weight takes 0.72 bytes instead of 0.94. Filters, the tensors of
            three and more dimensions, always keep 8 bits: with fewer, loud bins of a filterbank would leak into quiet
            ones. Filters of fewer than 16 taps stay in half precision.

    Returns:
        The stored tensors; the scales of a rounded tensor ``NAME`` are called ``NAME.scale``.

    Raises:
        ValueError: ``bits`` is not 2 to 8.
    """
    import torch

    if not 2 <= bits <= 8:
        raise ValueError(f"matrices cannot be stored in {bits} bits: give 2 to 8")
    stored: dict[str, Tensor] = {}
    for name, value in state.items():
        if not value.is_floating_point():
            stored[name] = value
        elif value.ndim == 2 or (value.ndim > 2 and value[:1].numel() >= _SHORTEST_FILTER):
            rows, step = value.flatten(1), 2 ** (8 - bits) if value.ndim == 2 else 1
            largest = rows.abs().amax(1) if rows.numel() else rows.new_zeros(len(rows))  # pruned to nothing
            scale = (largest / _LARGEST).clamp_min(torch.finfo(torch.float32).tiny)
            numbers = (rows / (step * scale[:, None])).round() * step
            numbers = numbers.clamp(-_LARGEST, _LARGEST).to(torch.int8)  # keeps the largest number in the 8-bit grid
            stored[name], stored[_SCALE.format(name)] = numbers.view_as(value), scale
        else:
            stored[name] = value.half()
    return stored


def widened(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in single precision, from the result of :func:`rounded` or from any other weights.

    Raises:
        UserError: a tensor has not one scale for each row.
    """
    scales = {_SCALE.format(name): name for name in stored if _SCALE.format(name) in stored}
    state = {}
    for name, value in stored.items():
        if name in scales:
            continue
        scale = stored.get(_SCALE.format(name))
        if scale is not None:
            if value.ndim < 2 or scale.shape != value.shape[:1]:
                raise UserError(
                    f"the weights {name} {tuple(value.shape)} have scales {tuple(scale.shape)}, expected one for each "
                    "row: the file is damaged, copy it again"
                )
            state[name] = (value.float().flatten(1) * scale[:, None]).view_as(value)
        else:
            state[name] = value.float() if value.is_floating_point() else value
    return state
