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


def multiplies_bf16(device: torch.device) -> bool:
    """Whether a device has instructions for products in bf16.

    On a processor without them torch emulates bf16: a product takes about ten times as long as in fp32, and an LSTM
    raises an exception. GPUs are taken to have them.
    """
    return device.type != "cpu" or any(has for name, has in torch.cpu.get_capabilities().items() if "bf16" in name)


def precision_on(device: torch.device, wanted: str) -> str:
    """``wanted``, or ``fp32`` instead of ``bf16`` on a device that does not multiply it."""
    return "fp32" if wanted == "bf16" and not multiplies_bf16(device) else wanted


def estimates_of(separator: nn.Module, mixture: Tensor, delay: int, precision: str) -> Tensor:
    """:func:`sources_of` in fp32, computed in ``fp32``, or in ``bf16`` (autocast) where the device has it."""
    device = mixture.device
    with torch.autocast(device.type, torch.bfloat16, enabled=precision_on(device, precision) == "bf16"):
        return sources_of(separator, mixture, delay).float()
