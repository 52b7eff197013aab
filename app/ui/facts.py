"""What is known about the ladder's levels, as words and numbers to show. No widgets here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class LevelFacts:
    """One level. ``share`` is its multiply-adds as a fraction of dense; ``si_sdri`` in dB by condition."""

    level: int
    params: int
    macs_per_second: float
    share: float
    si_sdri: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``Dense`` or the saving, as on the slider."""
        return "Dense" if self.level == 0 else f"−{round(100 * (1 - self.share))} %"


def levels_from(ladder: Sequence[dict[str, Any]]) -> list[LevelFacts]:
    """Facts from the dicts of :class:`~app.engine.events.Ready`, sorted by level; conditions without a value go."""
    entries = sorted(ladder, key=lambda entry: entry["level"])
    dense = entries[0]["macs_per_second"] if entries else 1
    return [
        LevelFacts(
            level=entry["level"],
            params=entry["params"],
            macs_per_second=entry["macs_per_second"],
            share=entry["macs_per_second"] / dense,
            si_sdri={
                name: value
                for name, value in (entry.get("si_sdri") or {}).items()
                if isinstance(value, (int, float)) and math.isfinite(value)
            },
        )
        for entry in entries
    ]


def fact_rows(levels: Sequence[LevelFacts], level: int, chunk_ms: dict[int, float]) -> list[tuple[str, str, str]]:
    """Rows of the facts card: what, this level, compared with dense.

    Args:
        levels: every level of the ladder.
        level: the one to describe.
        chunk_ms: median chunk time measured on this computer, by level.
    """
    dense, facts = levels[0], levels[level]
    here, there = chunk_ms.get(level, math.nan), chunk_ms.get(0, math.nan)
    rows = [
        ("Multiply-adds", f"{quantity(facts.macs_per_second)}/s", percent(facts.share)),
        ("Parameters", quantity(facts.params), percent(facts.params / dense.params)),
        ("Chunk time here", milliseconds(here), percent(here / there)),
    ]
    for condition, value in facts.si_sdri.items():
        change = value - dense.si_sdri.get(condition, math.nan)
        rows.append(
            (
                f"SI-SDRi, {condition}",
                f"{value:.1f} dB",
                "" if level == 0 or math.isnan(change) else signed(change) + " dB",
            )
        )
    return rows


def quantity(value: float) -> str:
    """A count with three digits and a suffix: ``1.24 M``."""
    for limit, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= limit:
            scaled = value / limit
            return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f}{suffix}"
    return f"{value:.0f}"


def milliseconds(value: float) -> str:
    """``0.94 ms``, or a dash where there is no value."""
    return "–" if math.isnan(value) else f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} ms"


def percent(share: float) -> str:
    """``60 %``, or a dash where there is no value."""
    return "–" if math.isnan(share) else f"{100 * share:.{0 if share >= 0.0995 else 1}f} %"


def signed(value: float) -> str:
    """One decimal, with the sign that it has after rounding."""
    rounded = round(value, 1)
    return "±0.0" if rounded == 0 else f"{rounded:+.1f}".replace("-", "−")


def rates(*hertz: int) -> str:
    """Sample rates on the way, ``48000 → 16000 Hz``: a rate that stays is named once, a rate of 0 is left out."""
    way = [rate for rate in hertz if rate]
    changes = [rate for number, rate in enumerate(way) if number == 0 or rate != way[number - 1]]
    return " → ".join(str(rate) for rate in changes) + " Hz"


def duration(seconds: float) -> str:
    """``2:07``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
