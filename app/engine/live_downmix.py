"""How the two channels of a microphone become one while it runs."""

from __future__ import annotations

import numpy as np

from sepprune.downmix import Downmix, cancelled

from .arrays import Samples

#: seconds of sound from which the channels are judged again and again
WINDOW_S = 1.0

#: mean power of a channel below which nothing is judged, -60 dB re full scale: noise of two microphones says nothing
#: about a voice
FAINTEST = 1e-6

#: channels that cancelled each other are mixed again when their mean keeps this share of the power that it has where
#: the channels are independent
SOUND_AGAIN = 0.5

#: seconds of the ramp from one channel to another, or to their mean
RAMP_S = 0.02


class LiveDownmix:
    """The mean of the channels, or the loudest one for as long as they cancel each other.

    Args:
        channels: of every block.
        rate: of the device, in hertz.

    Attributes:
        chosen: channel that is used instead of the mean; ``None`` for the mean.
    """

    def __init__(self, channels: int, rate: int) -> None:
        self.chosen: int | None = None
        self._channels = channels
        self._window, self._ramp = round(WINDOW_S * rate), round(RAMP_S * rate)
        self._from = self._to = np.full(channels, 1 / channels, np.float32)
        self._done = self._ramp  # samples of the ramp that have passed
        self._restart()

    def __call__(self, block: Samples) -> tuple[Samples, int]:
        """Mix ``(samples, channels)`` to ``(samples,)``; returns also how many samples were not finite, now zero."""
        if self._channels == 1:
            return Downmix()(block)
        good = np.isfinite(block)
        bad = block.size - int(np.count_nonzero(good))
        block = np.where(good, block, np.float32(0.0)) if bad else block
        self._judge(block)
        if self._done >= self._ramp:
            return block @ self._to, bad
        share = np.minimum((self._done + 1 + np.arange(len(block), dtype=np.float32)) / self._ramp, 1.0)
        self._done += len(block)
        old, new = block @ self._from, block @ self._to
        mixed: Samples = (old + share * (new - old)).astype(np.float32)
        return mixed, bad

    def note(self, name: str) -> str | None:
        """A sentence for the user where a channel of the device ``name`` is chosen, else ``None``."""
        if self.chosen is None:
            return None
        return f'the channels of "{name}" cancel each other, one is inverted: only channel {self.chosen + 1} is used'

    def _restart(self) -> None:
        self._powers, self._mean, self._heard = np.zeros(self._channels), 0.0, 0

    def _judge(self, block: Samples) -> None:
        self._powers += np.square(block, dtype=np.float64).sum(axis=0)
        self._mean += float(np.square(block.mean(axis=1), dtype=np.float64).sum())
        self._heard += len(block)
        if self._heard < self._window:
            return
        powers, mean, heard = self._powers, self._mean, self._heard
        self._restart()
        if powers.max() < FAINTEST * heard:
            return
        if self.chosen is None and cancelled(powers, mean):
            self._change(int(powers.argmax()))
        elif self.chosen is not None and mean > SOUND_AGAIN * float(powers.sum()) / self._channels**2:
            self._change(None)

    def _change(self, chosen: int | None) -> None:
        self.chosen, self._from, self._done = chosen, self._to, 0
        if chosen is None:
            self._to = np.full(self._channels, 1 / self._channels, np.float32)
        else:
            self._to = np.eye(self._channels, dtype=np.float32)[chosen]
