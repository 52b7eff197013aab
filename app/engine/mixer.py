"""Mixes the three aligned signals into two output channels: one matrix that changes by a ramp, and a limiter."""

from __future__ import annotations

import numpy as np

from .arrays import Samples
from .controls import Controls

#: duration of every change of what is heard, in seconds
RAMP_S = 0.020

#: amplitude up to which the limiter leaves samples unchanged
LIMITER_KNEE = 0.9

#: weights of (mixture, voice 1, voice 2) in (left, right), by :attr:`Controls.heard`
_MATRICES = {
    "mixture": ((1, 0, 0), (1, 0, 0)),
    "voice1": ((0, 1, 0), (0, 1, 0)),
    "voice2": ((0, 0, 1), (0, 0, 1)),
    "split": ((0, 1, 0), (0, 0, 1)),
    "both": ((0, 1, 1), (0, 1, 1)),
}


class Mixer:
    """Mixes ``(3, samples)`` into ``(samples, 2)``.

    Args:
        sample_rate: in hertz.
        controls: what is heard from the first sample on.

    >>> mixer = Mixer(16_000, Controls(routing="split"))
    >>> mixer(np.array([[0.5], [0.25], [0.125]], np.float32)).tolist()
    [[0.25, 0.125]]
    """

    def __init__(self, sample_rate: int, controls: Controls) -> None:
        self._ramp = int(RAMP_S * sample_rate)
        self._from = self._to = _matrix(controls)
        self._done = self._ramp  # samples of the ramp that have been played

    def apply(self, controls: Controls, measuring: bool = False) -> None:
        """Ramp to what ``controls`` ask for; with ``measuring``, to silence.

        The ramp takes :data:`RAMP_S`, and starts from the mix that is heard now, also in the middle of another ramp.
        """
        wanted = np.zeros((2, 3), np.float32) if measuring else _matrix(controls)
        if not np.array_equal(wanted, self._to):
            self._from = self._from + (self._to - self._from) * np.float32(self._done / self._ramp)
            self._to, self._done = wanted, 0

    @property
    def settled(self) -> bool:
        """Whether the last ramp has ended."""
        return self._done >= self._ramp

    def __call__(self, signals: Samples) -> Samples:
        """Mix ``(3, samples)`` of mixture and voices into ``(samples, 2)``, limited."""
        mixed = self._to @ signals
        if self._done < self._ramp:
            weight = np.minimum((self._done + 1 + np.arange(signals.shape[1], dtype=np.float32)) / self._ramp, 1.0)
            mixed = (1.0 - weight) * (self._from @ signals) + weight * mixed
            self._done = min(self._ramp, self._done + signals.shape[1])
        return limit(mixed.astype(np.float32, copy=False)).T


def matrix(heard: str) -> Samples:
    """Weights ``(2, 3)`` of mixture, voice 1 and voice 2 in left and right; one of :data:`~.controls.ROUTINGS`."""
    return np.array(_MATRICES[heard], np.float32)


def _matrix(controls: Controls) -> Samples:
    if controls.mute or controls.paused:
        return np.zeros((2, 3), np.float32)
    return matrix(controls.heard) * np.float32(10 ** (controls.gain_db / 20))


def limit(samples: Samples) -> Samples:
    """Keep samples inside full scale: unchanged up to :data:`LIMITER_KNEE`, then bent smoothly towards 1."""
    if np.abs(samples).max(initial=0.0) <= LIMITER_KNEE:
        return samples
    over = np.maximum(np.abs(samples) - LIMITER_KNEE, 0.0)
    bent = LIMITER_KNEE + (1.0 - LIMITER_KNEE) * np.tanh(over / (1.0 - LIMITER_KNEE))
    return np.where(over > 0.0, np.copysign(bent, samples), samples).astype(np.float32)
