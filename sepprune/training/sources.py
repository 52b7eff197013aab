"""Calling separators of either kind: causal ones return state and lag, others return sources alone."""

from __future__ import annotations

from torch import Tensor, nn


def delay_of(separator: nn.Module) -> int:
    """Samples by which a separator's sources lag the mixture; 0 where it looks ahead."""
    return int(getattr(separator, "delay", 0))


def sources_of(separator: nn.Module, mixture: Tensor, delay: int) -> Tensor:
    """Sources in step with the mixture, ``(batch, sources, samples - delay)``, whether or not state comes with them."""
    output = separator(mixture)
    return (output[0] if isinstance(output, tuple) else output)[..., delay:]
