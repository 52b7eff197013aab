"""From aligned signals to what is heard: routing, gain and bypass as one matrix that never jumps, and a limiter."""

from __future__ import annotations

import numpy as np

from sepprune.errors import UserError

from .protocol import ROUTINGS, SIGNALS

#: how long a change of routing, gain, bypass, mute, solo or pause takes
RAMP_S = 0.020

#: below this level the limiter does nothing at all, so that what is played is what was separated
LIMITER_KNEE = 0.9

#: (left, right) from (mixture, voice 1, voice 2)
_MATRICES = {
    "mixture": ((1, 0, 0), (1, 0, 0)),
    "voice1": ((0, 1, 0), (0, 1, 0)),
    "voice2": ((0, 0, 1), (0, 0, 1)),
    "split": ((0, 1, 0), (0, 0, 1)),
    "both": ((0, 1, 1), (0, 1, 1)),
}


class Mixer:
    """Routes ``(3, samples)`` to ``(samples, 2)``.

    >>> mixer = Mixer(sample_rate=16_000, routing="split")
    >>> mixer(np.array([[0.5], [0.25], [0.125]], np.float32)).tolist()
    [[0.25, 0.125]]
    """

    def __init__(self, sample_rate: int, routing: str = "both", gain_db: float = 0.0) -> None:
        _check("routing", routing)
        self.routing, self.gain_db, self.bypass = routing, gain_db, False
        self.solo: str | None = None
        self.muted = self.paused = self.measuring = False
        self._ramp = int(RAMP_S * sample_rate)
        self._from = self._to = self._wanted()
        self._done = self._ramp

    def set(self, **changes: object) -> None:
        """Change ``routing``, ``gain_db``, ``bypass``, ``solo``, ``muted``, ``paused`` or ``measuring``.

        It is heard in full after :data:`RAMP_S`. ``solo`` outranks bypass and routing; each of the last three is
        silence.

        Raises:
            UserError: there is no such routing or signal; nothing changes.
        """
        for name, value in changes.items():
            _check(name, value)
        for name, value in changes.items():
            setattr(self, name, value)
        now = self._from + (self._to - self._from) * np.float32(self._done / self._ramp)
        self._from, self._to, self._done = now, self._wanted(), 0

    @property
    def silent(self) -> bool:
        """Whether it is paused and nothing of the sound before is left."""
        return self.paused and self._done >= self._ramp

    def __call__(self, signals: np.ndarray) -> np.ndarray:
        """Mix ``(3, samples)`` of mixture and voices into ``(samples, 2)``, limited."""
        mixed = self._to @ signals
        if self._done < self._ramp:
            weight = np.minimum((self._done + 1 + np.arange(signals.shape[1], dtype=np.float32)) / self._ramp, 1.0)
            mixed = (1.0 - weight) * (self._from @ signals) + weight * mixed
            self._done = min(self._ramp, self._done + signals.shape[1])
        return limit(mixed.astype(np.float32, copy=False)).T

    def _wanted(self) -> np.ndarray:
        if self.muted or self.paused or self.measuring:
            return np.zeros((2, 3), np.float32)
        matrix = np.array(_MATRICES[self.solo or ("mixture" if self.bypass else self.routing)], np.float32)
        return matrix * np.float32(10 ** (self.gain_db / 20))


def _check(name: str, value: object) -> None:
    choices = {"routing": ROUTINGS, "solo": (None, *SIGNALS)}.get(name)
    if choices is not None and value not in choices:
        raise UserError(f"there is no {name} {value!r}: choose from {', '.join(map(str, choices))}")


def limit(samples: np.ndarray) -> np.ndarray:
    """Keep samples inside full scale: untouched up to :data:`LIMITER_KNEE`, then bent smoothly towards 1."""
    if np.abs(samples).max(initial=0.0) <= LIMITER_KNEE:
        return samples
    over = np.maximum(np.abs(samples) - LIMITER_KNEE, 0.0)
    bent = LIMITER_KNEE + (1.0 - LIMITER_KNEE) * np.tanh(over / (1.0 - LIMITER_KNEE))
    return np.where(over > 0.0, np.copysign(bent, samples), samples).astype(np.float32)
