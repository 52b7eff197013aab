"""Weights as a ladder stores them: matrices and filters in 8 bits with a scale each row, the rest in half precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

#: name of a rounded tensor -> name of its scales
_SCALE = "{}.scale"
_LARGEST = 127
#: a scale takes four bytes: shorter filters are smaller in half precision
_SHORTEST_FILTER = 16


def rounded(state: Mapping[str, Tensor], bits: int = 8) -> dict[str, Tensor]:
    """Weights at about a quarter of their size.

    It is the grid of weights in 8 bits that OpenVINO computes with, so that nothing is rounded twice.

    Args:
        state: weights.
        bits: of a number of a matrix. It is stored in 8 bits all the same, and fewer pack better: 6 bits to 0.72 bytes
            in place of 0.94. Filters, which are the tensors of three and more dimensions, keep 8: through a filterbank
            of fewer loud bins would leak into quiet ones. Those of fewer than 16 taps stay in half precision.

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
            numbers = numbers.clamp(-_LARGEST, _LARGEST).to(torch.int8)  # a row's largest stays in the 8-bit grid
            stored[name], stored[_SCALE.format(name)] = numbers.view_as(value), scale
        else:
            stored[name] = value.half()
    return stored


def widened(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in single precision, from what :func:`rounded` gave or from any other state."""
    scales = {_SCALE.format(name): name for name in stored if _SCALE.format(name) in stored}
    state = {}
    for name, value in stored.items():
        if name in scales:
            continue
        scale = stored.get(_SCALE.format(name))
        if scale is not None:
            state[name] = (value.float().flatten(1) * scale[:, None]).view_as(value)
        else:
            state[name] = value.float() if value.is_floating_point() else value
    return state
