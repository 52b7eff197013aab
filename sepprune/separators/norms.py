"""Norms of channels that a stream can compute: of each frame alone, or over all frames so far."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import State

#: numbers of the state of :class:`CumulativeNorm`: frames, mean and variance so far
_NUMBERS = 3


class FrameNorm(nn.Module):
    """Norm over the channels of each frame (cLN of other programs), without state.

    Shape:
        - features: ``(batch, channels, frames)``
    """

    def __init__(self, channels: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def initial_state(self, batch: int) -> State:
        return ()

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        rows = features.transpose(1, 2)
        normed = F.layer_norm(rows, self.weight.shape, self.weight, self.bias, self.epsilon)
        return normed.transpose(1, 2), state


class CumulativeNorm(nn.Module):
    """Norm over the channels of all frames so far (cLN of the Conv-TasNet paper, section II-D; cgLN of Asteroid).

    The state has the number of frames, their mean and their variance, not sums: sums over hours would lose the last
    frames to rounding.

    Shape:
        - features: ``(batch, channels, frames)``
        - state: one tensor ``(batch, 3)``
    """

    def __init__(self, channels: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def initial_state(self, batch: int) -> State:
        return (self.weight.new_zeros(batch, _NUMBERS),)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        count, mean, variance = state[0].unsqueeze(2).split(1, dim=1)
        counts = count + features.new_ones(features.shape[2]).cumsum(0)
        # of the frames so far, each as a correction of what was known before the first of them
        change = (features - mean).mean(1, keepdim=True).cumsum(2) / counts
        spread = (features - mean).square().mean(1, keepdim=True)
        variances = (variance + (spread - variance).cumsum(2) / counts - change.square()).clamp(min=0)
        means = mean + change
        normed = (features - means) * (variances + self.epsilon).rsqrt()
        last = torch.cat([counts, means, variances], dim=1)[..., -1]
        return normed * self.weight.unsqueeze(1) + self.bias.unsqueeze(1), (last,)


class ChannelNorm(nn.BatchNorm1d):
    """Batch norm: in use a constant scale and shift of each channel, without state.

    Shape:
        - features: ``(batch, channels, frames)``
    """

    def __init__(self, channels: int, epsilon: float) -> None:
        super().__init__(channels)  # other programs leave torch's epsilon as it is

    def initial_state(self, batch: int) -> State:
        return ()

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:  # type: ignore[override]  # with state
        return super().forward(features), state


_NORMS: dict[str, type[FrameNorm] | type[CumulativeNorm] | type[ChannelNorm]] = {
    "frame": FrameNorm,
    "cumulative": CumulativeNorm,
    "batch": ChannelNorm,
}


def norm_named(name: str, channels: int, epsilon: float) -> FrameNorm | CumulativeNorm | ChannelNorm:
    """A norm by name: ``frame``, ``cumulative`` or ``batch``.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in _NORMS:
        raise ValueError(f"no norm is called {name!r}: choose from {', '.join(sorted(_NORMS))}")
    return _NORMS[name](channels, epsilon)
