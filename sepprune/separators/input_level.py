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
    """Follows the level and the offset of a mixture, and subtracts the offset.

    The level rises at once with the power of the last ``past + hop`` samples, and falls by :data:`FALL_DB_PER_S` while
    they are quieter. So pauses and quiet passages change it little. It is a running maximum in decibels: a whole batch
    is followed without a loop over frames, and a stream carries a single number. The offset is the mean of the same
    samples; to subtract it is a high-pass filter near 16 Hz that needs no state. Hops of digital silence have no
    offset: neither before the first sample of a stream, nor where a device is muted. Otherwise a stream with an
    offset would begin with a step, which is a click.

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
        - gain of the power: ``(batch, 1, frames)``
        - frames: the samples of every frame and of its past without their offset, ``(batch, frames, past + hop)``
        - delayed: the signal without its offset, one hop later than it came in, ``(batch, hop * frames)``
    """

    rise: Tensor

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
        self.register_buffer("rise", (torch.arange(hop) + 1.0) / hop, persistent=False)

    def initial_state(self, batch: int, like: Tensor) -> Tensor:
        """The state before the first sample, with the type and the device of ``like``."""
        return like.new_zeros(batch, 1)

    def forward(self, signal: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gain, frames, delayed signal and the new state."""
        by_hop = signal.float().unflatten(1, (-1, self.hop))
        means, squares = by_hop.mean(2), by_hop.square().mean(2)
        sounds = squares.sign()  # 0 for a hop of digital silence
        offset = _mean(means, sounds, self.hops)
        sounding = sounds.unfold(1, self.hops, 1)
        power = squares.unfold(1, self.hops, 1).mean(2) - offset.square() * sounding.mean(2)
        above = (power.clamp_min(0.0) + 1e-12).log() - LOWEST_DB * DECIBEL
        level = self._follow(torch.cat([state, above], dim=1))
        followed = level[:, 1:]
        gain = (followed.clamp(self.lowest, self.highest) - followed).exp()
        offsets = (offset.unsqueeze(2) * sounding).unsqueeze(3)
        frames = (by_hop.unfold(1, self.hops, 1).transpose(2, 3) - offsets).flatten(2)
        return gain.unsqueeze(1), frames, self._delayed(by_hop, means, sounds), level[:, -1:]

    def _delayed(self, by_hop: Tensor, means: Tensor, sounds: Tensor) -> Tensor:
        """The signal one hop later, ``(batch, hop * frames)``, without an offset that moves evenly inside of a hop.

        An offset that changed from hop to hop would be steps, which have energy at frequencies where the signal may
        have none.
        """
        offset = _mean(means, sounds, self.hops - 1)
        before, change = offset[:, :-1].unsqueeze(2), offset.diff(dim=1).unsqueeze(2)
        last = slice(self.hops - 2, -1)
        return (by_hop[:, last] - (before + change * self.rise) * sounds[:, last].unsqueeze(2)).flatten(1)

    def _follow(self, level: Tensor) -> Tensor:
        """Largest of the values so far, each lowered by :attr:`fall` for every frame since, in doubling steps."""
        shift = 1
        while shift < level.shape[1]:
            fallen = level[:, :-shift] - shift * self.fall
            level = torch.cat([level[:, :shift], torch.maximum(level[:, shift:], fallen)], dim=1)
            shift *= 2
        return level.clamp_min(0.0)


def _mean(means: Tensor, sounds: Tensor, hops: int) -> Tensor:
    """Mean of every ``hops`` hops in turn, without those of digital silence; 0 where there is no other."""
    return means.unfold(1, hops, 1).sum(2) / sounds.unfold(1, hops, 1).sum(2).clamp_min(1.0)
