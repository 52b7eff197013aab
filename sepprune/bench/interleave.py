"""Blocks of all contenders of one chunk duration, in an order that is drawn anew for every round."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..streaming.protocols import Samples
from .pace import BLOCK, LEAD_IN, Block, Clock, Stream, run_block
from .times import Contender


class Series(NamedTuple):
    """What one row of the report is about."""

    contender: Contender
    paced: bool


@dataclass(frozen=True)
class Rounds:
    """How a chunk duration is measured.

    Args:
        period_s: chunk duration.
        chunks: of each series; the last block may be shorter.
        seed: of the order.
        origin: the clock at the start of the run.
    """

    period_s: float
    chunks: int
    seed: int
    origin: float

    def sizes(self) -> list[int]:
        """Chunks of each block."""
        whole, rest = divmod(self.chunks, BLOCK)
        return [BLOCK] * whole + ([rest] if rest else [])


@dataclass
class Measured:
    """Complete blocks of every series so far; it grows while the run lasts, so that an interrupted run keeps them."""

    blocks: dict[Series, list[Block]] = field(default_factory=dict)


def interleave(
    streams: Mapping[Contender, Stream],
    sound: Samples,
    rounds: Rounds,
    clock: Clock,
    measured: Measured,
    advance: Callable[[float], None],
) -> None:
    """Measure every contender back to back and paced.

    One block of each contender comes first and is not recorded: first steps are slower.

    Args:
        streams: what is timed.
        sound: chunks.
        rounds: how.
        clock: of all times.
        measured: receives the blocks.
        advance: called with the seconds of sound that were run since the last call.

    Shape:
        - sound: ``(any, samples)`` float32
    """
    for stream in streams.values():
        run_block(stream, sound, rounds.period_s, False, clock, rounds.origin)
    series = [Series(contender, paced) for contender in streams for paced in (False, True)]
    for one in series:
        measured.blocks[one] = []
    order = random.Random(rounds.seed)
    for size in rounds.sizes():
        order.shuffle(series)
        for one in series:
            stream = streams[one.contender]
            block = run_block(stream, sound, rounds.period_s, one.paced, clock, rounds.origin, size)
            measured.blocks[one].append(block)
            if one.paced:
                advance((LEAD_IN + size) * rounds.period_s)


def soak(
    stream: Stream,
    sound: Samples,
    rounds: Rounds,
    clock: Clock,
    blocks: list[Block],
    advance: Callable[[float], None],
) -> None:
    """One contender, paced, for a long time; arguments as in :func:`interleave`, ``blocks`` receives the result."""
    for size in rounds.sizes():
        blocks.append(run_block(stream, sound, rounds.period_s, True, clock, rounds.origin, size))
        advance((LEAD_IN + size) * rounds.period_s)
