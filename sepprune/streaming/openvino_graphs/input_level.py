"""The level and the offset of the input, as :class:`sepprune.separators.input_level.InputLevel` follows them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .operations import (
    Value,
    add,
    clamped,
    concatenate,
    constant,
    exponential,
    larger,
    logarithm,
    part,
    positive_part,
    product,
    reshape,
    square,
    subtract,
)

#: as in :mod:`sepprune.separators.input_level`
_DECIBEL, _LOWEST_DB, _FALL_DB_PER_S = math.log(10) / 10, -70.0, 1.0
#: added to the power before the logarithm
_TINY = 1e-12


@dataclass(frozen=True)
class Followed:
    """Gain of the power and offset of every frame, each ``(frames, 1)``."""

    gain: Value
    offset: Value


@dataclass(frozen=True)
class InputLevel:
    """Settings of :class:`sepprune.separators.input_level.InputLevel`."""

    lowest_db: float
    highest_db: float
    hop: int
    past: int
    sample_rate: int

    def follow(self, signal: Value, level: Value, frames: int) -> tuple[Followed, Value]:
        """Gain and offset of the frames of a chunk, and the new state.

        Shape:
            - signal: ``(1, past + frames * hop)``
            - level and new state: ``(1, 1)``
        """
        hop, window = self.hop, self.past + self.hop
        windows = concatenate([part(signal, 1, frame * hop, frame * hop + window) for frame in range(frames)], 0)
        average = constant(np.full((window, 1), 1 / window, np.float32))
        offset = product(windows, average)
        power = positive_part(subtract(product(square(windows), average), square(offset)))
        above = add(logarithm(add(power, constant(_TINY))), constant(-_LOWEST_DB * _DECIBEL))
        fall = constant(-_FALL_DB_PER_S * _DECIBEL * hop / self.sample_rate)
        levels = []
        for frame in range(frames):
            level = larger(reshape(part(above, 0, frame, frame + 1), 1, 1), add(level, fall))
            levels.append(level)
        followed = positive_part(concatenate(levels, 0))
        ends = ((level - _LOWEST_DB) * _DECIBEL for level in (self.lowest_db, self.highest_db))
        gain = exponential(subtract(clamped(followed, *ends), followed))
        return Followed(gain, offset), part(followed, 0, frames - 1, frames)
