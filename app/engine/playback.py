"""Playback of equally long sounds in one loop: switching at will, with equal fades at every switch and loop.

BS.1534-3 asks for a raised-cosine fade of 5 ms out and in, and forbids crossfades. A switch fades out and in whatever
it switches to, the same sound included, so that neither the fade nor its delay tells what is heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .arrays import Samples

#: duration of a fade-out and of a fade-in; seconds
FADE_S = 0.005


def raised_cosine(samples: int) -> Samples:
    """Rising gains ``(samples,)``, at the middle of each sample so that fading out and in are mirror images."""
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / samples)).astype(np.float32)


@dataclass(frozen=True)
class Wanted:
    """What is to be heard. A new object is one switch; the latest one counts.

    Args:
        sounds: ``(samples,)`` each, all equally long; their number in the tuple names them.
        playing: number of the sound, ``None`` for silence.
        loop: first sample of the passage, and the first one behind it.
        restart: begin at the start of the passage; otherwise the position stays.
    """

    sounds: tuple[Samples, ...] = ()
    playing: int | None = None
    loop: tuple[int, int] = (0, 0)
    restart: bool = False


@dataclass
class _State:
    """What one thread alone changes: the one that renders."""

    wanted: Wanted = field(default_factory=Wanted)
    position: int = 0
    #: samples of the fade that are done; 0 is silent, the length of the fade is full volume
    phase: int = 0
    gain: float = 1.0
    heard: list[int] = field(default_factory=list)


class Playback:
    """Renders sound block by block. :meth:`render` belongs to one thread, everything else to another.

    Args:
        rate: of the sounds, in hertz.
        channels: that are rendered. With two, sounds may be ``(samples, 2)`` too; one channel goes to both sides.

    Attributes:
        gain: factor of everything; changes without a click.
    """

    def __init__(self, rate: int, channels: int = 1) -> None:
        self.rate, self.gain, self._channels = rate, 1.0, channels
        self._fade = max(1, round(FADE_S * rate))
        self._rise = raised_cosine(self._fade)
        self._wanted = Wanted()
        self._state = _State(self._wanted)

    @property
    def wanted(self) -> Wanted:
        """What was asked for last."""
        return self._wanted

    @property
    def position(self) -> int:
        """Sample that is rendered next."""
        return self._state.position

    def switch(self, wanted: Wanted) -> None:
        """Ask for a switch. It happens even where what is heard is asked for again.

        Raises:
            ValueError: the sounds differ in length, or the loop or the number is outside of them.
        """
        length = len(wanted.sounds[0]) if wanted.sounds else 0
        start, stop = wanted.loop
        if any(len(sound) != length for sound in wanted.sounds) or not 0 <= start <= stop <= length:
            raise ValueError(f"sounds of {length} samples cannot be looped from {start} to {stop}")
        if wanted.playing is not None and (not 0 <= wanted.playing < len(wanted.sounds) or start == stop):
            raise ValueError(f"there is no sound {wanted.playing} to play")
        self._wanted = wanted

    def heard(self) -> Sequence[int]:
        """Samples rendered so far of each sound that is loaded, over all loops."""
        state = self._state
        loaded = state.wanted.sounds is self._wanted.sounds
        return tuple(state.heard) if loaded else (0,) * len(self._wanted.sounds)

    def render(self, frames: int) -> Samples:
        """The next samples, ``(frames,)``, or ``(frames, channels)`` of several channels."""
        state, wanted = self._state, self._wanted
        block = np.zeros(frames if self._channels == 1 else (frames, self._channels), np.float32)
        done = 0
        while done < frames:
            leaving = wanted is not state.wanted
            if leaving and (state.phase == 0 or state.wanted.playing is None):
                self._adopt(wanted)
                leaving = False
            if state.wanted.playing is None:
                break
            done += self._part(block[done:], leaving)
        return self._amplified(block)

    def _adopt(self, wanted: Wanted) -> None:
        state = self._state
        if wanted.sounds is not state.wanted.sounds:
            state.heard = [0] * len(wanted.sounds)
            state.position = wanted.loop[0]
        start, stop = wanted.loop
        if not start <= state.position < stop or (wanted.restart and wanted.playing is not None):
            state.position = start
        state.wanted, state.phase = wanted, 0

    def _part(self, block: Samples, leaving: bool) -> int:
        """Render until the fade, the loop or the block ends; returns how many samples that are."""
        state, fade = self._state, self._fade
        start, stop = state.wanted.loop
        count = min(len(block), stop - state.position)
        if leaving:
            count = min(count, state.phase)
            switching = self._rise[state.phase - count : state.phase][::-1]
            state.phase -= count
        elif state.phase < fade:
            count = min(count, fade - state.phase)
            switching = self._rise[state.phase : state.phase + count]
            state.phase += count
        else:
            switching = np.ones(count, np.float32)
        playing = state.wanted.playing
        assert playing is not None
        sound = state.wanted.sounds[playing][state.position : state.position + count]
        gains = np.minimum(switching, self._edges(state.position, count, start, stop))
        if block.ndim > 1:
            gains, sound = gains[:, None], sound if sound.ndim > 1 else sound[:, None]
        block[:count] = sound * gains
        state.heard[playing] += count
        state.position += count
        if state.position == stop:
            state.position = start
        return count

    def _edges(self, position: int, count: int, start: int, stop: int) -> Samples:
        """Gains of the fades at both ends of the loop."""
        fade = min(self._fade, (stop - start) // 2)
        if fade == 0 or (position - start >= fade and stop - position - count >= fade):
            return np.ones(count, np.float32)
        places = np.arange(position, position + count)
        nearest = np.minimum(places - start, stop - 1 - places)
        gains: Samples = np.where(
            nearest < fade, self._rise[np.minimum(nearest * self._fade // fade, self._fade - 1)], np.float32(1)
        )
        return gains

    def _amplified(self, block: Samples) -> Samples:
        state, gain = self._state, self.gain
        if gain == state.gain:
            return block * np.float32(gain)
        ramp = np.linspace(state.gain, gain, len(block), dtype=np.float32)
        state.gain = gain
        return block * (ramp if block.ndim == 1 else ramp[:, None])
