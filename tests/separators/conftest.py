"""What a published separator costs, counted without computing anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sepprune.separators import build_separator
from sepprune.separators.tdanet import Attention


def multiply_adds(module: nn.Module, frames: int, output: Tensor) -> int:
    """As the published figures count: one for a bias or a PReLU, decoders at every sample instead of every frame."""
    if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
        return module.weight.numel() * output.shape[-1] + (0 if module.bias is None else output.numel())
    if isinstance(module, nn.Linear):
        return output.numel() * (module.in_features + 1)
    if isinstance(module, nn.PReLU):
        return output.numel()
    return 2 * frames**2 * module.query.out_features if isinstance(module, Attention) else 0


@pytest.fixture
def costs() -> Callable[[str], tuple[float, float]]:
    """Parameters in millions, and GMAC for one second at 16 kHz, of a separator by name."""

    def count(name: str) -> tuple[float, float]:
        total = 0

        def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            nonlocal total
            total += multiply_adds(module, inputs[0].shape[-1], output)

        with torch.device("meta"), torch.no_grad():
            separator = build_separator(name).eval()
            for module in separator.modules():
                if isinstance(module, nn.Conv1d | nn.ConvTranspose1d | nn.Linear | nn.PReLU | Attention):
                    module.register_forward_hook(add)
            separator(torch.zeros(1, 16_000))
        return sum(parameter.numel() for parameter in separator.parameters()) / 1e6, total / 1e9

    return count
