"""Stimuli from the ladder: one voice of a passage under every condition, equal in delay, length and voice order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..media import open_sound
from ..streaming import Ladder, StreamingSeparator
from ..streaming.files import read_mono, separate_signal
from .sound import Signal

#: sound before a passage that a level hears first, so that no stimulus begins from silence; seconds
LEAD_SECONDS = 4.0


@dataclass(frozen=True)
class Recording:
    """A mixture and, where they are known, its clean voices, as files.

    Args:
        name: for the items.
        mixture: sound file.
        references: a sound file for each voice; empty where only the mixture is there.
    """

    name: str
    mixture: Path
    references: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Passage:
    """Samples ``start`` to ``stop`` of a recording, at the ladder's rate."""

    recording: Recording
    number: int
    start: int
    stop: int


@dataclass(frozen=True)
class Rendered:
    """A passage as it sounds under every condition.

    Shape:
        - voices: level -> ``(sources, samples)``; references: ``(sources, samples)`` or ``None``
        - mixture: ``(samples,)``
    """

    voices: dict[int, Signal]
    references: Signal | None
    mixture: Signal


def passages(recording: Recording, sample_rate: int, seconds: float) -> list[Passage]:
    """Passages of this duration, one after the other; a recording that is shorter gives one, whole."""
    mixture, _ = read_mono(recording.mixture, sample_rate)
    length = min(round(seconds * sample_rate), len(mixture))
    return [
        Passage(recording, number, number * length, (number + 1) * length) for number in range(len(mixture) // length)
    ]


@dataclass(frozen=True)
class Renderer:
    """Levels of a ladder, open for rendering.

    Args:
        sample_rate: in hertz.
        baseline: the level whose voices give the order where there are no references.
        streams: level -> its stream.
    """

    sample_rate: int
    baseline: int
    streams: Mapping[int, StreamingSeparator]

    @property
    def chunk_ms(self) -> float:
        """Chunk duration, whole hops."""
        return 1000 * self.streams[self.baseline].chunk / self.sample_rate

    @property
    def computed_by(self) -> dict[int, str]:
        """Level -> backend and precision."""
        return {level: f"{one.backend} {one.precision}" for level, one in self.streams.items()}

    def render(self, passage: Passage) -> Rendered:
        """A passage under every level; voices are in the order of the references, or of the baseline's voices."""
        lead = min(passage.start, round(LEAD_SECONDS * self.sample_rate))
        with closing(open_sound(passage.recording.mixture)) as sound:
            rate = sound.rate
        heard = read_mono(passage.recording.mixture, self.sample_rate)[0][passage.start - lead : passage.stop]
        voices = {level: separate_signal(one, heard, rate)[0][:, lead:] for level, one in self.streams.items()}
        references = self._references(passage)
        order = voices[self.baseline] if references is None else references
        return Rendered(
            {level: in_order(sources, order) for level, sources in voices.items()}, references, heard[lead:]
        )

    def _references(self, passage: Passage) -> Signal | None:
        if not passage.recording.references:
            return None
        cut = []
        for path in passage.recording.references:
            signal = read_mono(path, self.sample_rate)[0][passage.start : passage.stop]
            cut.append(np.pad(signal, (0, passage.stop - passage.start - len(signal))))
        return np.stack(cut)


@contextmanager
def opened(ladder: Ladder, levels: Sequence[int], chunk_ms: float, backend: str, precision: str) -> Iterator[Renderer]:
    """Open levels for rendering, the baseline first; they are closed at the end of the context.

    Raises:
        UserError: a level, the chunk duration or the backend is not possible, or the ladder is damaged.
    """
    with ExitStack() as stack:
        streams = {
            level: stack.enter_context(StreamingSeparator(ladder, level, chunk_ms, backend, precision))
            for level in levels
        }
        yield Renderer(ladder.sample_rate, levels[0], streams)


def in_order(voices: Signal, like: Signal) -> Signal:
    """The voices in the order in which they are most similar to ``like``, by normalised correlation.

    Shape:
        - voices, like: ``(sources, samples)``
    """
    norms = [np.linalg.norm(part, axis=1, keepdims=True) for part in (voices, like)]
    table = np.abs((voices / np.maximum(norms[0], 1e-9)) @ (like / np.maximum(norms[1], 1e-9)).T)
    best = max(
        itertools.permutations(range(len(voices)), len(like)),
        key=lambda order: sum(table[index, place] for place, index in enumerate(order)),
    )
    return voices[list(best)]
