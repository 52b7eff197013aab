"""Calling separators of either kind: a causal one returns delayed sources and state, any other the sources alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def delay_of(separator: nn.Module) -> int:
    """Samples by which a separator's sources lag the mixture; 0 where it looks ahead."""
    return int(getattr(separator, "delay", 0))


def sources_of(separator: nn.Module, mixture: Tensor, delay: int) -> Tensor:
    """Sources aligned with the mixture, ``(batch, sources, samples - delay)``, of a separator of either kind."""
    output = separator(mixture)
    sources: Tensor = output[0] if isinstance(output, tuple) else output
    return sources[..., delay:]


def estimates_of(separator: nn.Module, mixture: Tensor, delay: int, precision: str) -> Tensor:
    """:func:`sources_of` in fp32, computed in ``precision``: ``bf16`` (autocast) or ``fp32``."""
    with torch.autocast(mixture.device.type, torch.bfloat16, enabled=precision == "bf16"):
        return sources_of(separator, mixture, delay).float()
