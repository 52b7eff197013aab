"""Causal temporal convolutional network in the manner of Conv-TasNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .base import State
from .spectral import SpectralSeparator


class ConvBlock(nn.Module):
    """Residual block: expand, dilated depthwise convolution over the past, project.

    Batch norms stand where the paper has cumulative layer norms: in use they are constants that fold into the
    convolutions, so they cost nothing in a stream and a chunk's result cannot depend on earlier chunks' sizes.

    Shape:
        - features: ``(batch, bottleneck, frames)``; past: ``(batch, hidden, (kernel - 1) * dilation)``
    """

    def __init__(self, bottleneck: int, hidden: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.hidden, self.dilation, self.context = hidden, dilation, (kernel - 1) * dilation
        self.expand = nn.Conv1d(bottleneck, hidden, 1, bias=False)
        self.expand_norm = nn.BatchNorm1d(hidden)
        self.expand_activation = nn.PReLU(hidden)
        self.depthwise = nn.Conv1d(hidden, hidden, kernel, dilation=dilation, groups=hidden, bias=False)
        self.depthwise_norm = nn.BatchNorm1d(hidden)
        self.depthwise_activation = nn.PReLU(hidden)
        self.project = nn.Conv1d(hidden, bottleneck, 1)

    def forward(self, features: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.expand_activation(self.expand_norm(self.expand(features)))
        extended = torch.cat([past, hidden], dim=-1)
        hidden = self.depthwise_activation(self.depthwise_norm(self.depthwise(extended)))
        return features + self.project(hidden), extended[..., -self.context :]


class ConvTasNet(SpectralSeparator):
    """Causal Conv-TasNet: dilated depthwise-separable convolutions estimate a mask per source.

    Luo and Mesgarani, "Conv-TasNet: surpassing ideal time-frequency magnitude masking for speech separation",
    TASLP 2019, section II, with a past-looking filterbank and log-magnitude input.

    Args:
        bottleneck: channels of the residual path.
        hidden: channels inside a block, one number for all or one a block.
        blocks: number of blocks.
        dilations: block ``i`` dilates by ``2 ** (i % dilations)`` frames.
        kernel: taps of the depthwise convolution.
        **filterbank: see :class:`~sepprune.separators.spectral.SpectralSeparator`.
    """

    def __init__(
        self,
        bottleneck: int = 192,
        hidden: int | Sequence[int] = 384,
        blocks: int = 16,
        dilations: int = 8,
        kernel: int = 3,
        **filterbank: Any,
    ) -> None:
        super().__init__(bottleneck, **filterbank)
        widths = [hidden] * blocks if isinstance(hidden, int) else list(hidden)
        if len(widths) != blocks:
            raise ValueError(f"hidden names {len(widths)} widths for {blocks} blocks: give one number or one a block")
        self.bottleneck = nn.Conv1d(self.feature_bins, bottleneck, 1)
        self.network = nn.ModuleList(
            ConvBlock(bottleneck, width, kernel, 2 ** (index % dilations)) for index, width in enumerate(widths)
        )
        self.contexts = tuple((kernel - 1) * 2 ** (index % dilations) for index in range(blocks))
        self.activation = nn.PReLU(bottleneck)
        self.mask = nn.Conv1d(bottleneck, 2 * self.sources * self.bins, 1)

    def initial_network_state(self, batch: int) -> State:
        zeros = self.mask.weight.new_zeros
        # the state of a block that pruning has removed is empty
        widths = [block.hidden if isinstance(block, ConvBlock) else 0 for block in self.network]
        return tuple(zeros(batch, width, context) for width, context in zip(widths, self.contexts, strict=True))

    def masks(self, features: Tensor, state: State, segments: int = 1) -> tuple[Tensor, Tensor, State]:
        hidden = self.bottleneck(features)
        new_state = []
        for block, past in zip(self.network, state, strict=True):
            hidden, past = block(hidden, past)
            new_state.append(past)
        hidden = self.activation(hidden)
        masks = self.mask(hidden).unflatten(1, (self.sources, -1))
        return masks, hidden.transpose(1, 2), tuple(new_state)
