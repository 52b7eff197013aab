"""Changes what is heard on a running stream by a fade out and in, the same for every change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .arrays import Samples
from .playback import FADE_S, raised_cosine


@dataclass(frozen=True, eq=False)
class Heard:
    """What is to be heard. Every object is a change of its own, also one that asks for what is heard already.

    Args:
        condition: number of the condition; ``None`` is silence.
        held: hear the held seconds in a loop instead of the running sound.
    """

    condition: int | None = None
    held: bool = False


class FadeSwitch:
    """Fades out what is heard, then fades in what was asked for last. Only the thread that renders may use it.

    A change takes the same time and has the same shape whatever it leads to, the same sound included.

    Args:
        sample_rate: in hertz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._fade = max(1, round(FADE_S * sample_rate))
        self._rise = raised_cosine(self._fade)
        self._wanted = self._heard = Heard()
        self._phase = 0  # samples of the fade that are done; 0 is silent, the length of the fade is full volume

    @property
    def heard(self) -> Heard:
        """What is heard now, or fades out."""
        return self._heard

    def ask(self, wanted: Heard) -> None:
        """Change to this; the last call wins."""
        self._wanted = wanted

    def parts(self, samples: int) -> Iterator[tuple[Heard, slice, Samples | None]]:
        """The next samples in parts: what is heard, where, and its gains ``(n,)``; ``None`` for full volume."""
        done = 0
        while done < samples:
            leaving = self._wanted is not self._heard
            if leaving and (self._phase == 0 or self._heard.condition is None):
                self._heard, self._phase, leaving = self._wanted, 0, False
            count, gains = samples - done, None
            if self._heard.condition is None:
                pass
            elif leaving:
                count = min(count, self._phase)
                gains = self._rise[self._phase - count : self._phase][::-1]
                self._phase -= count
            elif self._phase < self._fade:
                count = min(count, self._fade - self._phase)
                gains = self._rise[self._phase : self._phase + count]
                self._phase += count
            yield self._heard, slice(done, done + count), gains
            done += count
