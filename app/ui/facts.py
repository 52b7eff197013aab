"""Numbers and facts as words to show. No widgets here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..engine.facts import LevelFacts


def fact_rows(levels: Sequence[LevelFacts], level: int, chunk_ms: Mapping[int, float]) -> list[tuple[str, str, str]]:
    """Rows of the facts card: name of the fact, its value at this level, and the comparison with dense.

    Args:
        levels: every level of the ladder.
        level: the one to describe.
        chunk_ms: median chunk time measured on this computer, in milliseconds by level.
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
    """One decimal, with a sign: ``+0.3``, ``−1.0``, or ``±0.0`` where it rounds to zero."""
    rounded = round(value, 1)
    return "±0.0" if rounded == 0 else f"{rounded:+.1f}".replace("-", "−")


def rates(*hertz: int) -> str:
    """Consecutive sample rates, ``48000 → 16000 Hz``: equal neighbours are named once, a rate of 0 is left out."""
    known = [rate for rate in hertz if rate]
    changes = [rate for number, rate in enumerate(known) if number == 0 or rate != known[number - 1]]
    return " → ".join(str(rate) for rate in changes) + " Hz"


def duration(seconds: float) -> str:
    """Minutes and seconds, ``2:07``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def sentence(message: str) -> str:
    """An engine's message with a capital letter at its start."""
    return message[:1].upper() + message[1:]
