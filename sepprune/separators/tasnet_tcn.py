"""Conv-TasNet as other programs train it: learned encoder, dilated convolutions, norms over channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .activations import activation
from .base import State
from .norms import norm_named
from .tasnet import LearnedSeparator


class TasnetBlock(nn.Module):
    """Residual block: expand, dilated depthwise convolution over the past, project.

    Shape:
        - features: ``(batch, bottleneck, frames)``
        - state: past ``(batch, hidden, (kernel - 1) * dilation)``, then those of the two norms
        - result: features, with skips ``(batch, skip, frames)``, and the new state
    """

    def __init__(
        self, bottleneck: int, hidden: int, skip: int, kernel: int, dilation: int, norm: str, bias: bool, epsilon: float
    ) -> None:
        super().__init__()
        self.context = (kernel - 1) * dilation
        self.expand = nn.Conv1d(bottleneck, hidden, 1, bias=bias)
        self.expand_activation = nn.PReLU()
        self.expand_norm = norm_named(norm, hidden, epsilon)
        self.depthwise = nn.Conv1d(hidden, hidden, kernel, dilation=dilation, groups=hidden, bias=bias)
        self.depthwise_activation = nn.PReLU()
        self.depthwise_norm = norm_named(norm, hidden, epsilon)
        self.project = nn.Conv1d(hidden, bottleneck, 1, bias=bias)
        self.skip = nn.Conv1d(hidden, skip, 1, bias=bias) if skip else None

    def initial_state(self, batch: int) -> State:
        past = self.depthwise.weight.new_zeros(batch, self.depthwise.weight.shape[0], self.context)
        return (past, *self.expand_norm.initial_state(batch), *self.depthwise_norm.initial_state(batch))

    def forward(self, features: Tensor, past: Tensor, *norms: Tensor) -> State:
        half = len(norms) // 2
        hidden, first = self.expand_norm(self.expand_activation(self.expand(features)), norms[:half])
        extended = torch.cat([past, hidden], dim=-1)
        hidden = self.depthwise_activation(self.depthwise(extended))
        hidden, second = self.depthwise_norm(hidden, norms[half:])
        skips = () if self.skip is None else (self.skip(hidden),)
        after = extended[..., extended.shape[-1] - self.context :]
        return (features + self.project(hidden), *skips, after, *first, *second)


class TasnetTCN(LearnedSeparator):
    """Causal Conv-TasNet with learned encoder and decoder.

    Luo and Mesgarani, "Conv-TasNet: surpassing ideal time-frequency magnitude masking for speech separation",
    TASLP 2019, section II: without skips as in its first version, with skips as in its second.

    Args:
        bottleneck: channels of the residual path.
        hidden: channels inside a block, one number for all or one a block.
        skip: channels of the skip path, from which the masks are made; 0 for masks from the residual path.
        blocks: blocks of one repeat; block ``i`` of it dilates by ``2 ** i`` frames.
        repeats: how often the dilations repeat.
        kernel: taps of the depthwise convolution.
        norm: ``frame``, ``cumulative`` or ``batch``, see :mod:`~sepprune.separators.norms`.
        first_norm: norm of the encoder's output; the same as ``norm`` where it is empty.
        score_activation: in front of the layer that makes the masks.
        biases: 1 where the convolutions have biases.
        epsilon: added to variances in norms.
        **filters: see :class:`~sepprune.separators.tasnet.LearnedSeparator`.

    Raises:
        ValueError: a name or number is not possible.
    """

    def __init__(
        self,
        bottleneck: int = 128,
        hidden: int | Sequence[int] = 512,
        skip: int = 0,
        blocks: int = 8,
        repeats: int = 3,
        kernel: int = 3,
        norm: str = "frame",
        first_norm: str = "",
        score_activation: str = "prelu",
        biases: int = 1,
        epsilon: float = 1e-8,
        **filters: Any,
    ) -> None:
        super().__init__(**filters)
        count = blocks * repeats
        widths = [hidden] * count if isinstance(hidden, int) else list(hidden)
        if len(widths) != count:
            raise ValueError(f"hidden names {len(widths)} widths for {count} blocks: give one number or one a block")
        if kernel < 2:
            raise ValueError(f"kernel is {kernel}: use at least 2 taps")
        bias = bool(biases)
        self.norm = norm_named(first_norm or norm, self.basis, epsilon)
        self.bottleneck = nn.Conv1d(self.basis, bottleneck, 1, bias=bias)
        self.network = nn.ModuleList(
            TasnetBlock(bottleneck, width, skip, kernel, 2 ** (index % blocks), norm, bias, epsilon)
            for index, width in enumerate(widths)
        )
        self.contexts = tuple((kernel - 1) * 2 ** (index % blocks) for index in range(count))
        self.has_skips, self.first_is_cumulative = bool(skip), (first_norm or norm) == "cumulative"
        #: tensors of the state of a block: its past, and one of each cumulative norm
        self.block_states = 3 if norm == "cumulative" else 1
        self.activation = activation(score_activation)
        self.mask = nn.Conv1d(skip or bottleneck, self.sources * self.basis, 1, bias=bias)

    def initial_network_state(self, batch: int) -> State:
        states = [self.norm.initial_state(batch)]
        for block, context in zip(self.network, self.contexts, strict=True):
            if isinstance(block, TasnetBlock):
                states.append(block.initial_state(batch))
            else:  # the state of a block that pruning has removed is empty; only blocks of one state are removed
                states.append((self.mask.weight.new_zeros(batch, 0, context),))
        return tuple(tensor for state in states for tensor in state)

    def masks(self, features: Tensor, state: State, segments: int = 1) -> tuple[Tensor, State]:
        own = 1 if self.first_is_cumulative else 0
        hidden, after = self.norm(features, state[:own])
        hidden, new_state, skips = self.bottleneck(hidden), [*after], None
        for index, block in enumerate(self.network):
            first = own + index * self.block_states
            hidden, *after = block(hidden, *state[first : first + self.block_states])
            if self.has_skips:
                skips = after[0] if skips is None else skips + after[0]
                after = after[1:]
            new_state += after
        masks: Tensor = self.mask(self.activation(hidden if skips is None else skips))
        return masks.unflatten(1, (self.sources, -1)), tuple(new_state)
