"""The level and the offset of the input, followed causally, so that quiet microphones are separated like loud ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

#: natural logarithm of the power of one decibel
DECIBEL = math.log(10) / 10
#: lowest level that is brought up, in dB re full scale; below it lies the noise of microphones
LOWEST_DB = -70.0
#: how fast the followed level falls while the input is quieter, in dB a second
FALL_DB_PER_S = 1.0


class InputLevel(nn.Module):
    """Follows the level and the offset of a mixture.

    The level rises at once with the power of the last ``past + hop`` samples, and falls by :data:`FALL_DB_PER_S` while
    they are quieter. So pauses and quiet passages change it little. It is a running maximum in decibels: a whole batch
    is followed without a loop over frames, and a stream carries a single number. The offset is the mean of the same
    samples; to subtract it is a high-pass filter near 16 Hz that needs no state.

    The gain brings the followed level into a range and leaves it alone inside of it: a separator that was trained on
    inputs of some levels can be given this range afterwards, and computes inside of it what it computed before.
    Nothing here is learned.

    Args:
        lowest_db, highest_db: range of the level after the gain, in dB re full scale; both may be equal.
        hop: samples between two frames.
        past: samples before the first frame, a whole number of hops.
        sample_rate: in hertz.

    Shape:
        - signal: ``(batch, past + hop * frames)``
        - state: ``(batch, 1)``, the followed level above :data:`LOWEST_DB` in nepers of power; zero before the first
          sample
        - gain of the power, offset: ``(batch, frames)``
    """

    def __init__(self, lowest_db: float, highest_db: float, hop: int, past: int, sample_rate: int) -> None:
        super().__init__()
        if not LOWEST_DB <= lowest_db <= highest_db <= 0:
            raise ValueError(
                f"input_level is {lowest_db:g} to {highest_db:g} dB re full scale: give one level, or the lower and "
                f"the higher end of a range, between {LOWEST_DB:g} and 0"
            )
        if past % hop:
            raise ValueError(f"a past of {past} samples is not a whole number of hops of {hop} samples")
        self.lowest, self.highest = ((level - LOWEST_DB) * DECIBEL for level in (lowest_db, highest_db))
        self.hop, self.hops = hop, past // hop + 1
        self.fall = FALL_DB_PER_S * DECIBEL * hop / sample_rate

    def initial_state(self, batch: int, like: Tensor) -> Tensor:
        """The state before the first sample, with the type and the device of ``like``."""
        return like.new_zeros(batch, 1)

    def forward(self, signal: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The gain of the power and the offset for every frame, and the new state."""
        signal = signal.float()
        by_hop = signal.unflatten(1, (-1, self.hop))
        offset = by_hop.mean(2).unfold(1, self.hops, 1).mean(2)
        power = by_hop.square().mean(2).unfold(1, self.hops, 1).mean(2) - offset.square()
        above = (power.clamp_min(0.0) + 1e-12).log() - LOWEST_DB * DECIBEL
        level = self._follow(torch.cat([state, above], dim=1))
        followed = level[:, 1:]
        gain = (followed.clamp(self.lowest, self.highest) - followed).exp()
        return gain, offset, level[:, -1:]

    def _follow(self, level: Tensor) -> Tensor:
        """Largest of the values so far, each lowered by :attr:`fall` for every frame since, in doubling steps."""
        shift = 1
        while shift < level.shape[1]:
            fallen = level[:, :-shift] - shift * self.fall
            level = torch.cat([level[:, :shift], torch.maximum(level[:, shift:], fallen)], dim=1)
            shift *= 2
        return level.clamp_min(0.0)
