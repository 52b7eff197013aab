"""Many channels become one without losing sound: inverted channels do not cancel, and surround sound is not faint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .containers import Samples
from .media import Sound, blocks

#: seconds at the beginning of a file from which its channels are judged, and samples that are read at a time
_JUDGED_S, _BLOCK = 120, 2**16
#: of the power that independent channels would leave in their mean: less than this share means that they cancel
_CANCELLED = 0.1
#: the mean is raised to the level of the loudest channel where it is more than this below it, in dB; two independent
#: channels are 3 dB below, and one that is silent 6 dB
_TOO_QUIET_DB = 5.0


@dataclass(frozen=True)
class Downmix:
    """How channels become one.

    Args:
        gain: factor of the mean.
        chosen: channel that is used instead of the mean, because the channels cancel each other; else ``None``.
    """

    gain: float = 1.0
    chosen: int | None = None

    def __call__(self, samples: Samples) -> tuple[Samples, int]:
        """Mix ``(samples, channels)`` to ``(samples,)``; returns also how many samples were not finite, now zero."""
        good = np.isfinite(samples)
        bad = samples.size - int(np.count_nonzero(good))
        if bad:
            samples = np.where(good, samples, np.float32(0.0))
        mono: Samples = samples.mean(axis=1) if self.chosen is None else samples[:, self.chosen]
        return mono if self.gain == 1.0 else mono * np.float32(self.gain), bad

    def note(self, name: str) -> str | None:
        """A sentence for the user where a channel of the file ``name`` was chosen, else ``None``."""
        if self.chosen is None:
            return None
        return f"the channels of {name} cancel each other, one is inverted: only channel {self.chosen + 1} is used"


def cancelled(powers: NDArray[np.float64], mean: float) -> bool:
    """Whether channels cancel each other, because one of them is inverted.

    Args:
        powers: of each channel, ``(channels,)``, in any unit.
        mean: power of the mean of the channels, in the same unit.
    """
    return mean < _CANCELLED * float(powers.sum()) / len(powers) ** 2


def judged(sound: Sound) -> Downmix:
    """How the channels of an open file become one, judged from its beginning; the file is rewound.

    Raises:
        UserError: the file is damaged.
    """
    if sound.channels < 2:
        return Downmix()
    sums, powers, mean, count = np.zeros(sound.channels), np.zeros(sound.channels), 0.0, 0
    for block in blocks(sound, _BLOCK):
        finite = np.nan_to_num(block.astype(np.float64), posinf=0.0, neginf=0.0)
        sums += finite.sum(axis=0)
        powers += np.square(finite).sum(axis=0)
        mean += float(np.square(finite.mean(axis=1)).sum())
        count += len(block)
        if count >= _JUDGED_S * sound.rate:
            break
    sound.seek(0)
    if not count:
        return Downmix()
    powers = np.maximum(powers - np.square(sums) / count, 0.0)  # an offset is no sound
    mean = max(mean - float(np.square(sums.mean()) / count), 0.0)
    loudest = float(powers.max())
    if cancelled(powers, mean):
        return Downmix(chosen=int(powers.argmax()))
    if mean and 10 * np.log10(loudest / mean) > _TOO_QUIET_DB:
        return Downmix(gain=float(np.sqrt(loudest / mean)))
    return Downmix()
