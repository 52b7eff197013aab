"""The level and the offset of the input, as :class:`sepprune.separators.input_level.InputLevel` follows them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .operations import (
    Value,
    add,
    clamped,
    concatenate,
    constant,
    divide,
    exponential,
    larger,
    logarithm,
    multiply,
    part,
    positive_part,
    product,
    reshape,
    sign,
    split,
    square,
    subtract,
)

#: as in :mod:`sepprune.separators.input_level`
_DECIBEL, _LOWEST_DB, _FALL_DB_PER_S = math.log(10) / 10, -70.0, 1.0
#: added to the power before the logarithm
_TINY = 1e-12


@dataclass(frozen=True)
class Followed:
    """What is known of the input of a chunk.

    Shape:
        - gain: of the power of every frame, ``(frames, 1)``
        - windows: samples of every frame and of its past without their offset, ``(frames, past + hop)``
        - delayed: the input without its offset, one hop later, ``(1, frames * hop)``
    """

    gain: Value
    windows: Value
    delayed: Value


@dataclass(frozen=True)
class InputLevel:
    """Settings of :class:`sepprune.separators.input_level.InputLevel`."""

    lowest_db: float
    highest_db: float
    hop: int
    past: int
    sample_rate: int

    def follow(self, signal: Value, level: Value, frames: int) -> tuple[Followed, Value]:
        """Gain, windows and delayed input of a chunk, and the new level.

        Shape:
            - signal: ``(1, past + frames * hop)``
            - level and new level: ``(1, 1)``
        """
        hop, window = self.hop, self.past + self.hop
        hops = window // hop
        windows = concatenate([part(signal, 1, frame * hop, frame * hop + window) for frame in range(frames)], 0)
        by_hop = constant(np.kron(np.eye(hops), np.full((hop, 1), 1 / hop)).astype(np.float32))
        means, squares = product(windows, by_hop), product(square(windows), by_hop)  # (frames, hops)
        sounds = sign(squares)  # 0 for a hop of digital silence
        offset = _mean(means, sounds, np.ones((hops, 1)))
        average = constant(np.full((hops, 1), 1 / hops, np.float32))
        power = subtract(product(squares, average), multiply(square(offset), product(sounds, average)))
        above = add(logarithm(add(positive_part(power), constant(_TINY))), constant(-_LOWEST_DB * _DECIBEL))
        fall = constant(-_FALL_DB_PER_S * _DECIBEL * hop / self.sample_rate)
        levels = []
        for frame in range(frames):
            level = larger(reshape(part(above, 0, frame, frame + 1), 1, 1), add(level, fall))
            levels.append(level)
        followed = positive_part(concatenate(levels, 0))
        ends = ((level - _LOWEST_DB) * _DECIBEL for level in (self.lowest_db, self.highest_db))
        gain = exponential(subtract(clamped(followed, *ends), followed))
        offsets = reshape(multiply(offset, sounds), frames, hops, 1)
        centred = reshape(subtract(reshape(windows, frames, hops, hop), offsets), frames, window)
        delayed = self._delayed(part(windows, 1, window - 2 * hop, window - hop), means, sounds)
        return Followed(gain, centred, reshape(delayed, 1, frames * hop)), part(followed, 0, frames - 1, frames)

    def _delayed(self, last: Value, means: Value, sounds: Value) -> Value:
        """The last hop of every frame, ``(frames, hop)``, without an offset that moves evenly inside of it."""
        hops = self.past // self.hop + 1
        chosen = np.ones((hops, 2))
        chosen[-1, 0] = chosen[0, 1] = 0  # all hops but the newest, and all but the oldest
        before, after = split(_mean(means, sounds, chosen), 1, 2)
        rise = constant((np.arange(1, self.hop + 1, dtype=np.float32) / self.hop)[None])
        offset = add(before, multiply(subtract(after, before), rise))
        return subtract(last, multiply(offset, part(sounds, 1, hops - 2, hops - 1)))


def _mean(means: Value, sounds: Value, chosen: NDArray[np.float64]) -> Value:
    """Means of some hops without those of digital silence, ``(frames, columns)``.

    Shape:
        - means, sounds: ``(frames, hops)``
        - chosen: ``(hops, columns)``, 1 for the hops of a column and 0 for others
    """
    columns = constant(chosen.astype(np.float32))
    return divide(product(means, columns), larger(product(sounds, columns), constant(1.0)))
