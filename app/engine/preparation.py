"""Makes a separator ready before audio starts, so that its first chunks are not late."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sepprune.errors import UserError

from .facts import LevelFacts, level_facts
from .protocol import Settings

if TYPE_CHECKING:
    from sepprune.streaming import StreamingSeparator

    from .live_separator import LiveSeparator
    from .side_by_side import SideBySide

#: steps before audio starts: caches fill, and lazy initialisation happens
WARM_UP_STEPS = 25


def with_existing_level(settings: Settings) -> tuple[Settings, str | None]:
    """Settings whose level was remembered from another ladder, with a level that this ladder has.

    Returns:
        The settings, and a sentence where the level is another one. A ladder that cannot be read changes nothing: the
        engine says why.
    """
    from sepprune.streaming import Ladder

    level = settings.controls.level
    try:
        lightest = len(Ladder.load(settings.ladder).levels) - 1
    except UserError:
        return settings, None
    if level <= lightest:
        return settings, None
    controls = settings.controls.changed(level=lightest)
    sentence = f"Level {level} was remembered, and this ladder has none: level {lightest} is used."
    return replace(settings, controls=controls), sentence


def stored_levels(settings: Settings) -> tuple[LevelFacts, ...]:
    """What the ladder stores about its levels; none where it cannot be read, as the engine then says why."""
    from sepprune.streaming import Ladder

    try:
        return level_facts(Ladder.load(settings.ladder).levels)
    except UserError:
        return ()


def prepared_separator(settings: Settings) -> StreamingSeparator:
    """Open the ladder and compile its levels, except those that have to be converted first.

    Raises:
        UserError: the ladder, level, chunk, backend or precision cannot be used.
    """
    from sepprune.streaming import Ladder, StreamingSeparator

    separator = StreamingSeparator(
        Ladder.load(settings.ladder),
        level=settings.controls.level,
        chunk_ms=settings.chunk_ms,
        backend=settings.backend,
        precision=settings.precision,
        threads=settings.threads,
    )
    separator.prepare(quick=True)  # before audio runs: a compiler delays other threads
    _warm_up(separator)
    return separator


def prepared_comparison(settings: Settings) -> SideBySide:
    """Open the ladder and compile the compared levels.

    Raises:
        UserError: the ladder, a level, chunk, backend or precision cannot be used.
    """
    from sepprune.streaming import Ladder

    from .side_by_side import SideBySide

    separator = SideBySide(
        Ladder.load(settings.ladder),
        settings.compared,
        settings.chunk_ms,
        settings.backend,
        settings.precision,
        settings.threads,
    )
    _warm_up(separator)
    return separator


def _warm_up(separator: LiveSeparator) -> None:
    noise = np.random.default_rng(0).standard_normal(separator.chunk).astype(np.float32) * 0.01
    for _ in range(WARM_UP_STEPS):
        separator.step(noise)
    separator.reset()
