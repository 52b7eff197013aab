"""Facts about levels that the engine sends to the window: what a ladder stores, and what a calibration measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol


class StoredLevel(Protocol):
    """The part of :class:`sepprune.streaming.Level` that is read here."""

    @property
    def level(self) -> int: ...
    @property
    def params(self) -> int: ...
    @property
    def macs_per_second(self) -> float: ...
    @property
    def si_sdri(self) -> Mapping[str, float] | None: ...


@dataclass(frozen=True)
class LevelFacts:
    """Cost and quality of one level, as its ladder stores them.

    Args:
        level: its number, 0 is dense.
        params: number of parameters.
        macs_per_second: multiply-adds for one second of sound.
        share: ``macs_per_second`` divided by that of the dense level.
        si_sdri: SI-SDR improvement in dB by test condition; empty where it was not measured.
    """

    level: int
    params: int
    macs_per_second: float
    share: float
    si_sdri: Mapping[str, float]

    @property
    def name(self) -> str:
        """``Dense``, or the saving of multiply-adds such as ``−45 %``."""
        return "Dense" if self.level == 0 else f"−{round(100 * (1 - self.share))} %"


def level_facts(levels: Iterable[StoredLevel]) -> tuple[LevelFacts, ...]:
    """Facts of a ladder's levels, sorted by level; conditions without a finite value are left out."""
    ordered = sorted(levels, key=lambda level: level.level)
    dense = ordered[0].macs_per_second if ordered else 1.0
    return tuple(
        LevelFacts(
            level.level,
            level.params,
            level.macs_per_second,
            level.macs_per_second / dense,
            {
                condition: value
                for condition, value in (level.si_sdri or {}).items()
                if isinstance(value, int | float) and math.isfinite(value)
            },
        )
        for level in ordered
    )


@dataclass(frozen=True)
class Trial:
    """One backend and precision, timed at one level: :class:`sepprune.streaming.calibration.Trial` without its module.

    Args:
        level: number of the level.
        backend, precision: what computed.
        p50_ms: median chunk time in milliseconds.
        agreement_db: level of the fp32 output over the difference from it, in dB; infinite for fp32 itself.
        chosen: whether this backend and precision computes the level from now on.
    """

    level: int
    backend: str
    precision: str
    p50_ms: float
    agreement_db: float
    chosen: bool


def summary(trials: Sequence[Trial]) -> str:
    """Which backend and precision computes which levels, as words.

    >>> summary([Trial(0, "openvino", "fp32", 0.2, 99.0, True), Trial(1, "openvino", "fp32", 0.1, 99.0, True)])
    'levels 0 to 1 openvino fp32 (0.20 to 0.10 ms)'
    """
    chosen = sorted((trial for trial in trials if trial.chosen), key=lambda trial: trial.level)
    parts = []
    for (backend, precision), group in groupby(chosen, key=lambda trial: (trial.backend, trial.precision)):
        rows = list(group)
        first, last = rows[0], rows[-1]
        levels = f"level {first.level}" if first is last else f"levels {first.level} to {last.level}"
        times = f"{first.p50_ms:.2f}" + ("" if first is last else f" to {last.p50_ms:.2f}")
        parts.append(f"{levels} {backend} {precision} ({times} ms)")
    return ", ".join(parts)
