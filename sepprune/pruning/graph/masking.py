"""How operations run in the masked model, where masks take the place of dropped channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .flow import Arguments, Masked


def along(mask: Tensor, tensor: Tensor, dimension: int) -> Tensor:
    """A mask shaped to multiply ``tensor`` along one dimension."""
    return mask.to(tensor.dtype).view([-1 if index == dimension % tensor.dim() else 1 for index in range(tensor.dim())])


def scale(name: str, dimension: int) -> Masked:
    """Run an operation with its argument ``name`` multiplied by the mask along ``dimension``."""

    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        tensor = arguments[name]
        return target(**(arguments | {name: tensor * along(masks[0], tensor, dimension)}))

    return run


def zeroed(axes: Sequence[int]) -> Masked:
    """Run an operation with dropped channels of its argument ``self`` set to zero, along these axes."""

    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        data = arguments["self"]
        for axis, mask in zip(axes, masks, strict=True):
            data = data * along(mask, data, axis)
        return target(**(arguments | {"self": data}))

    return run


def moments(
    data: Tensor, axes: Sequence[int], masked: Sequence[int], masks: Sequence[Tensor], correction: float, centred: bool
) -> tuple[Tensor, Tensor]:
    """Mean and variance of the kept channels.

    Args:
        data: any tensor.
        axes: what is averaged over.
        masked: those of the axes that have a mask, in the order of ``masks``.
        masks: one per masked axis.
        correction: taken from the number of values (1 for the unbiased variance).
        centred: whether the mean is subtracted before squaring.
    """
    axes = list(axes)
    weight = data.new_ones(())
    count: Any = math.prod(data.shape[axis] for axis in axes)
    for axis, mask in zip(masked, masks, strict=True):
        weight = weight * along(mask, data, axis)
        count = count / data.shape[axis] * mask.sum()
    if masks:  # a group of a removed branch has no channels: its moments are not used, but must be finite
        empty = count < 0.5
        count = count + empty
    mean = (data * weight).sum(axes, keepdim=True) / count
    deviation = data - mean if centred else data
    variance = (deviation.square() * weight).sum(axes, keepdim=True) / (count - correction)
    return mean, torch.where(empty, 1.0, variance) if masks else variance
