"""Mixture consistency: the rest of the mixture is returned to the estimates, in shares that are learned."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .layers import log_level


class Consistency(nn.Module):
    """Adds a share of the rest to every source: the rest is the mixture minus the sum of the sources.

    Wisdom et al., "Differentiable consistency constraints for improved deep speech enhancement", ICASSP 2019, section
    2.2, add this rest to the estimates in equal or learned parts, so that they sum to the mixture. A live separator
    must not do that: a part of the rest is noise and reverberation, and a silent source must get nothing. So a small
    LSTM estimates the shares, from the features of the masks and from the levels of estimates, rest and mixture. The
    shares are not bounded and need not sum to one. They change smoothly from hop to hop and are zero before training,
    so that adding this layer to a trained separator does not change its output.

    Args:
        width: channels of the features of the masks.
        units: of the LSTM, and of the linear layer in front of it.
        sources: number of sources.
        hop: samples between two shares.

    Shape:
        - mixture: ``(batch, samples)``, delayed as the estimates are
        - estimates and result: ``(batch, sources, samples)``
        - gain: of the power that the LSTM reads, ``(batch, 1, frames)``; ``None`` for 1
        - hidden: ``(batch, frames, width)``
        - state: the last shares ``(batch, sources)``, hidden and cell of the LSTM, each ``(1, batch, units)``
    """

    def __init__(self, width: int, units: int, sources: int, hop: int) -> None:
        super().__init__()
        self.hop = hop
        self.listen = nn.Linear(width, units)
        self.lstm = nn.LSTM(units + sources + 2, units, batch_first=True)
        self.share = nn.Linear(units, sources)
        nn.init.zeros_(self.share.weight)
        nn.init.zeros_(self.share.bias)
        rise = torch.sin(math.pi / 2 * (torch.arange(hop) + 0.5) / hop).square()
        self.register_buffer("rise", rise, persistent=False)

    @property
    def units(self) -> int:
        return self.lstm.hidden_size

    def initial_state(self, batch: int) -> tuple[Tensor, Tensor, Tensor]:
        zeros = self.share.weight.new_zeros
        return zeros(batch, self.share.out_features), zeros(1, batch, self.units), zeros(1, batch, self.units)

    def forward(
        self, mixture: Tensor, estimates: Tensor, hidden: Tensor, state: tuple[Tensor, ...], gain: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        last, *memory = state
        mixture = mixture.unsqueeze(1)
        rest = mixture - estimates.sum(1, keepdim=True)
        power = torch.cat([estimates, rest, mixture], dim=1).unflatten(2, (-1, self.hop)).square().mean(-1)
        heard = torch.cat([self.listen(hidden), log_level(power, gain).transpose(1, 2)], dim=2)
        heard, memory = self.lstm(heard, tuple(memory))
        now = self.share(heard).transpose(1, 2)
        before = torch.cat([last.unsqueeze(2).to(now.dtype), now[..., :-1]], dim=2)
        shares = before.unsqueeze(3) + (now - before).unsqueeze(3) * self.rise
        return estimates + shares.flatten(2) * rest, (now[..., -1], *memory)
