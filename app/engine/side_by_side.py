"""Several levels on one live stream, one of them heard: the engine's side of a blind comparison.

Every condition runs on every chunk, in the same order, whichever is heard. So neither the time of a chunk nor the delay
of a change tells what is heard, and no change needs a warm-up.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence

import numpy as np

from sepprune.streaming import Ladder, StreamingSeparator

from .arrays import Samples
from .fade_switch import FadeSwitch, Heard
from .held_sound import HeldSound
from .loudness import loudness, matching_gains
from .mixer import matrix
from .voice_order import VoiceOrder


class SideBySide:
    """Runs conditions side by side and gives the voices of the one that is heard; at first none is.

    It takes the place of a ``StreamingSeparator`` in the engine. :attr:`level` says nothing about what is heard.

    Args:
        ladder: the levels.
        conditions: number of a level for each condition; ``None`` is the mixture, delayed as much as the voices.
        chunk_ms, backend, precision, threads: as :class:`~sepprune.streaming.StreamingSeparator` takes them.

    Raises:
        UserError: a level, chunk or backend is not possible, or the ladder is damaged.
    """

    def __init__(
        self,
        ladder: Ladder,
        conditions: Sequence[int | None],
        chunk_ms: float = 8.0,
        backend: str = "auto",
        precision: str = "auto",
        threads: int = 1,
    ) -> None:
        self._streams = [
            None if level is None else StreamingSeparator(ladder, level, chunk_ms, backend, precision, threads)
            for level in conditions
        ]
        first = next(stream for stream in self._streams if stream is not None)
        self.ladder, self.sample_rate, self.sources = ladder, ladder.sample_rate, ladder.sources
        self.chunk, self.hop, self.delay = first.chunk, first.hop, first.delay
        self.backend, self.precision, self.transitioning = first.backend, first.precision, False
        self.level = self.target_level = 0
        self.level_error: Exception | None = None
        self._past = np.zeros(self.delay, np.float32)
        self._outputs = np.zeros((len(conditions), self.sources, self.chunk), np.float32)
        self._switch = FadeSwitch(self.sample_rate)
        separating = tuple(level is not None for level in conditions)
        self._order = VoiceOrder(separating, self.sources, self.chunk / self.sample_rate)
        self._held = HeldSound(len(conditions), self.sources, self.chunk, self.sample_rate)
        self._held_orders: list[tuple[int, ...]] | None = None
        self._gains = [1.0] * len(conditions)

    def hear(self, condition: int | None, held: bool = False) -> None:
        """Change what is heard with the next step, also to what is heard already.

        Args:
            condition: its number; ``None`` is silence.
            held: hear the last seconds in a loop. They are the same until this was ``False`` once.
        """
        self._switch.ask(Heard(condition, held))

    def step(self, chunk: Samples) -> Samples:
        """Run all conditions on the next chunk ``(chunk,)``.

        Returns:
            Voices of what is heard, ``(sources, chunk)``.
        """
        outputs = self._outputs
        delayed = np.concatenate([self._past, chunk])
        self._past = delayed[len(chunk) :].copy()
        for number, stream in enumerate(self._streams):
            outputs[number] = delayed[: len(chunk)] if stream is None else stream.step(chunk)
        self._order.add(outputs)
        self._held.add(outputs)
        voices = np.zeros((self.sources, len(chunk)), np.float32)
        before = self._switch.heard
        for heard, where, gains in self._switch.parts(len(chunk)):
            if heard is not before:
                self._begin(heard)
                before = heard
            if heard.condition is not None:
                sound = self._sound(heard.condition, where)
                voices[:, where] = sound if gains is None else sound * gains
        return voices

    def match_loudness(self, routing: str, answer: Callable[[tuple[float, ...] | None], None]) -> None:
        """Make all conditions equally loud from now on, by one gain each, measured over the last seconds.

        Args:
            routing: what the output plays, since that is what is matched.
            answer: called in another thread with the gains in dB; ``None`` where it was too quiet, and no gain changes.
        """
        enough, voices = self._held.hold(), matrix(routing)[:, 1:]

        def work() -> None:
            found = self._matching(voices, self._held.whole()) if enough else None
            if found is not None:
                self._gains = [10 ** (gain / 20) for gain in found]
            answer(found)

        threading.Thread(target=work, name="loudness", daemon=True).start()

    def settle(self) -> None:
        """Do the upkeep that is due, once the chunk was delivered."""
        for stream in self._streams:
            if stream is not None:
                stream.settle()

    def set_level(self, level: int, wait: bool = False) -> None:
        """Nothing: the levels are chosen at the start."""

    def reset(self) -> None:
        """Start every level from silence, and forget the last seconds."""
        for stream in self._streams:
            if stream is not None:
                stream.reset()
        self._past[:] = 0
        self._order.clear()
        self._held.clear()

    def close(self) -> None:
        """Drop all that was compiled."""
        with contextlib.ExitStack() as stack:
            for stream in self._streams:
                if stream is not None:
                    stack.callback(stream.close)

    def _begin(self, heard: Heard) -> None:
        """Between fade-out and fade-in: put the voices on their sides, and hold sound or let it go."""
        if heard.condition is None:
            return
        self._order.begin(heard.condition)
        if not heard.held:
            self._held_orders = None
        elif self._held_orders is None:
            self._held_orders = self._order.held() if self._held.hold() else None

    def _sound(self, condition: int, where: slice) -> Samples:
        """Voices of a condition in the order in which they are heard, equally loud."""
        gain = np.float32(self._gains[condition])
        if self._held_orders is not None:
            held = self._held.read(condition, where.stop - where.start)
            found: Samples = held[list(self._held_orders[condition])] * gain
        else:
            found = self._outputs[condition][list(self._order.orders[condition]), where] * gain
        return found

    def _matching(self, voices: Samples, sound: Samples) -> tuple[float, ...] | None:
        return matching_gains([loudness(voices @ one, self.sample_rate) for one in sound])
