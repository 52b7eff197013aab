"""Makes a separator ready before audio starts, so that its first chunks are not late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .protocol import Settings

if TYPE_CHECKING:
    from sepprune.streaming import StreamingSeparator

#: steps before audio starts: caches fill, and lazy initialisation happens
WARM_UP_STEPS = 25


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
    noise = np.random.default_rng(0).standard_normal(separator.chunk).astype(np.float32) * 0.01
    for _ in range(WARM_UP_STEPS):
        separator.step(noise)
    separator.reset()
    return separator
