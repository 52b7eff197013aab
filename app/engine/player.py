"""Plays the samples of one question and keeps what an answer needs: which were heard, how long, and every gap."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from .arrays import Samples
from .playback import Playback, Wanted
from .speaker import Render, Speaker

#: a sample counts as heard once so much of it was rendered; seconds
HEARD_S = 0.2
#: shortest passage that can be looped (BS.1534-3); seconds
SHORTEST_LOOP_S = 0.5


class Player:
    """Switches between the samples of a question. Not safe to use from several threads.

    Args:
        rate: of all samples, in hertz.
        open_speaker: opens the device; called again after :meth:`reopen`.
        clock: the time in seconds.
        channels: as for :class:`~.playback.Playback`.

    Attributes:
        restart: begin at the start of the passage at every switch; otherwise the position stays.
        late: gaps in the sound since the question was loaded, while a sample played.

    Raises:
        UserError: the device cannot be opened.
    """

    def __init__(
        self,
        rate: int,
        open_speaker: Callable[[Render], Speaker],
        clock: Callable[[], float] = time.monotonic,
        channels: int = 1,
    ) -> None:
        self.rate, self.restart, self.late = rate, False, 0
        self._playback, self._open, self._clock = Playback(rate, channels), open_speaker, clock
        self._labels: tuple[str, ...] = ()
        self._asked: Counter[str] = Counter()
        self._began: float | None = None
        self._gain_db = 0.0
        self._speaker = open_speaker(self._playback.render)
        self._late = self._speaker.late

    @property
    def device(self) -> str:
        """Name of the output device."""
        return self._speaker.name

    @property
    def stopped(self) -> bool:
        """Whether the device is gone."""
        return self._speaker.stopped

    @property
    def playing(self) -> str | None:
        """Label of the sample that plays."""
        number = self._playback.wanted.playing
        return None if number is None else self._labels[number]

    @property
    def gain_db(self) -> float:
        """Gain of everything, in dB below full scale; set it with :meth:`set_gain`."""
        return self._gain_db

    @property
    def seconds(self) -> float:
        """Time since the first sample of the question began; 0 before."""
        return 0.0 if self._began is None else self._clock() - self._began

    @property
    def duration(self) -> float:
        """Of every sample, in seconds."""
        sounds = self._playback.wanted.sounds
        return len(sounds[0]) / self.rate if sounds else 0.0

    @property
    def position(self) -> float:
        """What is rendered now, in seconds from the start of the samples."""
        return self._playback.position / self.rate

    @property
    def loop(self) -> tuple[float, float]:
        """Start and end of the passage, in seconds."""
        start, stop = self._playback.wanted.loop
        return start / self.rate, stop / self.rate

    @property
    def plays(self) -> dict[str, int]:
        """Times that each sample was asked for; 0 until :data:`HEARD_S` of it were rendered."""
        needed = HEARD_S * self.rate
        heard = dict(zip(self._labels, self._playback.heard(), strict=True))
        return {label: self._asked[label] if heard[label] >= needed else 0 for label in self._labels}

    def load(self, sounds: Mapping[str, Samples]) -> None:
        """Stop, and take the samples ``(samples,)`` of another question, all equally long."""
        self.watch()
        self._labels, self._asked, self._began, self.late = tuple(sounds), Counter(), None, 0
        tracks = tuple(sounds.values())
        self._playback.switch(Wanted(tracks, None, (0, len(tracks[0]) if tracks else 0)))

    def play(self, label: str) -> None:
        """Switch to a sample, also where it plays already."""
        self.watch()
        if self._began is None:
            self._began = self._clock()
        self._asked[label] += 1
        self._switch(playing=self._labels.index(label), restart=self.restart)

    def stop(self) -> None:
        """Be silent."""
        self.watch()
        self._switch(playing=None)

    def set_loop(self, start: float, stop: float) -> None:
        """Loop a passage, in seconds; it is made long enough within the samples."""
        length = round(self.duration * self.rate)
        shortest = min(length, round(SHORTEST_LOOP_S * self.rate))
        first = min(max(0, round(start * self.rate)), length - shortest)
        self._switch(loop=(first, min(length, max(round(stop * self.rate), first + shortest))), restart=False)

    def set_gain(self, decibel: float) -> None:
        """Change the gain of everything."""
        self._gain_db = decibel
        self._playback.gain = 10 ** (decibel / 20)

    def watch(self) -> None:
        """Count new gaps. Call it regularly; a gap in silence does not count."""
        late = self._speaker.late
        if self.playing is not None:
            self.late += late - self._late
        self._late = late

    def reopen(self) -> None:
        """Close the device and open it again, for instance when headphones were unplugged.

        Raises:
            UserError: the device cannot be opened.
        """
        self._speaker.close()
        self._speaker = self._open(self._playback.render)
        self._late = self._speaker.late

    def close(self) -> None:
        """Close the device."""
        self._speaker.close()

    def _switch(self, **changes: object) -> None:
        self._playback.switch(replace(self._playback.wanted, **changes))  # type: ignore[arg-type]  # named fields of one dataclass
