"""Modules in 16 bits, whose channels are followed and proven in 32 bits: rounding would hide what a cut changes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .graph.trace import tensor_attributes

_HALF = (torch.float16, torch.bfloat16)


def in_32_bits(module: nn.Module) -> nn.Module:
    """The module with all numbers of 16 bits in 32 bits; changed in place."""
    module._apply(raised)
    for part in module.modules():
        for name, value in list(vars(part).items()):
            if isinstance(value, Tensor) and value.dtype in _HALF:
                setattr(part, name, raised(value))
    return module


def raised(tensor: Tensor) -> Tensor:
    """A tensor of 16 bits in 32 bits; any other unchanged."""
    return tensor.float() if tensor.dtype in _HALF else tensor


def half_type(module: nn.Module) -> str | None:
    """The first type of 16 bits among the module's tensors, such as ``float16``; ``None`` without any."""
    types = (value.dtype for _, value in tensor_attributes(module))
    return next((str(dtype).removeprefix("torch.") for dtype in types if dtype in _HALF), None)
