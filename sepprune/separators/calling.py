"""Calling separators of either kind: a causal one returns delayed sources and state, any other the sources alone."""

from __future__ import annotations

import functools
import time

import torch
from torch import Tensor, nn

#: rows, inputs and outputs of the product that decides: a step of an LSTM of 256 units
_ROWS, _INPUTS, _OUTPUTS = 64, 256, 1024
#: measurements of which the fastest counts, and products in each
_ROUNDS, _PRODUCTS = 8, 8
#: what users read where :func:`precision_on` does not give them the bf16 that they asked for
NOT_FASTER = "This processor is not faster in bf16: training computes in fp32."


def delay_of(separator: nn.Module) -> int:
    """Samples by which a separator's sources lag the mixture; 0 where it looks ahead."""
    return int(getattr(separator, "delay", 0))


def sources_of(separator: nn.Module, mixture: Tensor, delay: int) -> Tensor:
    """Sources aligned with the mixture, ``(batch, sources, samples - delay)``, of a separator of either kind."""
    output = separator(mixture)
    sources: Tensor = output[0] if isinstance(output, tuple) else output
    return sources[..., delay:]


def has_bf16() -> bool:
    """Whether this processor has instructions for products in bf16.

    Without them torch emulates bf16: a product takes about ten times as long as in fp32, and an LSTM raises an
    exception.
    """
    return any(has for name, has in torch.cpu.get_capabilities().items() if "bf16" in name)


def multiplies_bf16(device: torch.device) -> bool:
    """Whether a device multiplies faster in bf16 than in fp32.

    Not every processor with instructions for bf16 does: an Intel Xeon with ``avx512_bf16`` but without ``amx_bf16``
    multiplied half as fast. So the two are compared, once per process, in less than 0.1 s. GPUs are taken to be faster.
    """
    if device.type != "cpu":
        return True
    return has_bf16() and product_seconds(torch.bfloat16) < product_seconds(torch.float32)


@functools.cache
def product_seconds(kind: torch.dtype) -> float:
    """Time of a matrix product as in an LSTM on this processor, in seconds: the fastest of several measurements."""
    left, right = torch.ones(_ROWS, _INPUTS, dtype=kind), torch.ones(_INPUTS, _OUTPUTS, dtype=kind)

    def seconds() -> float:
        started = time.perf_counter()
        for _ in range(_PRODUCTS):
            left @ right
        return (time.perf_counter() - started) / _PRODUCTS

    seconds()
    return min(seconds() for _ in range(_ROUNDS))


def precision_on(device: torch.device, wanted: str) -> str:
    """``wanted``, or ``fp32`` instead of ``bf16`` on a device that is not faster with it."""
    return "fp32" if wanted == "bf16" and not multiplies_bf16(device) else wanted


def estimates_of(separator: nn.Module, mixture: Tensor, delay: int, precision: str) -> Tensor:
    """:func:`sources_of` in fp32, computed in ``fp32``, or in ``bf16`` (autocast) where that is faster."""
    device = mixture.device
    with torch.autocast(device.type, torch.bfloat16, enabled=precision_on(device, precision) == "bf16"):
        return sources_of(separator, mixture, delay).float()
