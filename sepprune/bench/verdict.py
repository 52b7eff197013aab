"""Sentences of a latency report: the verdict, warnings, and what the run cannot say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ..printing import counted
from .facts import Fact
from .power import BATTERY, MAINS
from .rows import Row, drifts
from .statistics import LEAST_FOR_P999
from .times import contender_name

#: a level is safe at a chunk duration where at most this share of chunks is missed, at 95 % confidence
SAFE_RATE = 1 / 1000
#: load before the run that other programs cause and that is worth a warning
_LOAD = 0.5
_SLOW_MODES = ("low-power", "quiet", "cool")
#: drivers whose governor "powersave" still raises the frequency
_SCALING_DRIVERS = ("intel_pstate", "amd-pstate-epp")


def best_rows(rows: Sequence[Row]) -> list[Row]:
    """For each chunk duration and level, the paced row with the lowest median.

    The choice does not look at misses, so that their bounds stay valid.
    """
    best: dict[tuple[float, int], Row] = {}
    for row in rows:
        key = (row["chunk_ms"], row["level"])
        if row["paced"] and not row["soak"] and (key not in best or row["p50_ms"] < best[key]["p50_ms"]):
            best[key] = row
    return [best[key] for key in sorted(best)]


def safe_rows(rows: Sequence[Row]) -> list[Row]:
    """Of :func:`best_rows` those with few enough misses, as far as their number of chunks can show."""
    return [row for row in best_rows(rows) if row["miss_rate_upper"] <= SAFE_RATE * (1 + 1e-9)]


def busy_words(count: int) -> str:
    """A number of processes that kept the processor busy, in words."""
    return "a busy process" if count == 1 else f"{count} busy processes"


def verdict(rows: Sequence[Row], machine: Mapping[str, Fact], load: int = 0) -> str:
    """One sentence: what this machine can run, or what the run could show of that.

    Args:
        rows: of the run.
        machine: facts before the run.
        load: busy processes beside the run.
    """
    where = {MAINS: "On mains this machine", BATTERY: "On battery this machine"}.get(
        str(machine["power_source"]["value"]), "This machine"
    )
    if load:
        where = f"Beside {busy_words(load)}, {where[0].lower()}{where[1:]}"
    best = best_rows(rows)
    if not best:
        return "Nothing was measured at live rate, so there is no verdict."
    safe = _densest(safe_rows(rows))
    if safe:
        least = min(_chunks_without_miss(row) for row in safe)
        shown = _joined([f"level {row['level']} at {row['chunk_ms']:g} ms" for row in safe])
        return f"{where} runs {shown} with fewer than 1 miss in {least:,} chunks (95 %)."
    clean = _densest([row for row in best if not row["misses"]])
    if clean:
        row = min(clean, key=lambda row: (row["level"], row["chunk_ms"]))
        chunks = counted(row["chunks"], "chunk")
        return (
            f"{where} ran level {row['level']} at {row['chunk_ms']:g} ms without a miss in {chunks}. "
            f"That shows fewer than 1 miss in {_chunks_without_miss(row):,} (95 %); safe means fewer than 1 in "
            f"{round(1 / SAFE_RATE):,}, which takes {math.ceil(3 / SAFE_RATE):,} chunks."
        )
    row = min(best, key=lambda row: (row["miss_rate_upper"], row["level"]))
    verb, chunks = "was" if row["misses"] == 1 else "were", counted(row["chunks"], "chunk")
    return (
        f"{where} runs no level without misses. The fewest {verb} {row['misses']} in {chunks}, with level "
        f"{row['level']} at {row['chunk_ms']:g} ms: up to {row['miss_rate_upper']:.1%} of the chunks (95 %)."
    )


def warnings(
    rows: Sequence[Row], before: Mapping[str, Fact], after: Mapping[str, Fact], interrupted: bool
) -> list[str]:
    """What makes the times less trustworthy, each with what to do."""
    return [*_about_machine(before, after), *_about_rows(rows, interrupted)]


def _about_machine(before: Mapping[str, Fact], after: Mapping[str, Fact]) -> Iterator[str]:
    sources = [facts["power_source"]["value"] for facts in (before, after)]
    if BATTERY in sources:
        changed = "for a part of the run" if sources[0] != sources[1] else "during the run"
        yield f"The machine was on battery {changed}. Many laptops compute more slowly then: measure again on mains."
    mode, governor, driver = (before[name]["value"] for name in ("power_mode", "governor", "frequency_driver"))
    if mode in _SLOW_MODES:
        yield f"The power mode is {mode}, which limits the processor: choose balanced or performance."
    if governor == "powersave" and driver not in _SCALING_DRIVERS:
        yield "The governor is powersave, which keeps the processor at its lowest frequency."
    load = before["load"]["value"]
    if isinstance(load, float) and load >= _LOAD:
        yield f"Other programs were running before the run (load {load:.1f}): close them and measure again."
    if before["virtual_machine"]["value"] is True:
        yield "This is a virtual machine: others on the same computer can take processor time unseen."
    counts = [facts["throttle_events"]["value"] for facts in (before, after)]
    if isinstance(counts[0], int) and isinstance(counts[1], int) and counts[1] > counts[0]:
        yield f"Heat slowed the processor down {counted(counts[1] - counts[0], 'time')} during the run."


def _about_rows(rows: Sequence[Row], interrupted: bool) -> Iterator[str]:
    if interrupted:
        yield "The run was interrupted: rows are missing or have fewer chunks than planned."
    total = counted(len(rows), "row")
    # corrected for the number of rows (Bonferroni): a steady machine is rarely warned of, however many rows it has
    moving = [row for row in rows if drifts(row, 1 - 0.05 / len(rows))]
    if moving:
        most = max(moving, key=lambda row: abs(math.log(row["drift"] or 1.0)))
        yield (
            f"Chunk times drifted during the run in {len(moving)} of {total}, most by "
            f"{(most['drift'] or 1.0) - 1:+.0%} ({row_name(most)}): the machine became faster or slower."
        )
    double = [row for row in rows if row["bimodal"]]
    if double:
        yield (
            f"Chunk times have two modes in {len(double)} of {total} (first: {row_name(double[0])}): look at "
            "their distribution before you quote one number."
        )
    few = [row for row in rows if row["p99_ms"] is None]
    if few:
        verb = "has" if len(few) == 1 else "have"
        yield f"{len(few)} of {total} {verb} too few chunks for a p99 (368 are needed), so it is not stated."
    late = [row for row in rows if row["paced"] and row["wait_p50_ms"] > 0.1 * row["chunk_ms"]]
    if late:
        yield (
            f"In {counted(len(late), 'row')} the program started a chunk late by more than a tenth of its duration: "
            "the processor was busy, or the system wakes programs late."
        )


def cannot_say(rows: Sequence[Row], quick: bool, load: int = 0) -> list[str]:
    """What this run gives no answer to, each with what would."""
    found = []
    if quick:
        found.append(
            "Other chunk durations, backends and precisions than those in the table: leave out --quick, or name them."
        )
    paced = [row for row in rows if row["paced"] and not row["soak"]]
    if paced:
        least = math.floor(min(row["chunks"] for row in paced) / 3)
        found.append(f"Misses that are rarer than 1 in {least:,} chunks: give more --seconds.")
    if any(row["p999_ms"] is None for row in rows):
        found.append(f"p99.9, which needs {LEAST_FOR_P999:,} chunks in a row of the table: give more --seconds.")
    if not any(row["soak"] for row in rows):
        found.append("Whether the machine keeps its speed when it is warm: add --soak 5.")
    if load:
        found.append("How fast the machine is without the busy processes: leave out --load.")
    else:
        found.append("How the machine does while other programs are busy: add --load 2.")
    found.append("The time from microphone to loudspeaker: sepprune-live --round-trip measures it.")
    return found


def row_name(row: Row) -> str:
    """What a row is about, in words."""
    pace = "soak" if row["soak"] else "paced" if row["paced"] else "back to back"
    return f"level {row['level']}, {row['chunk_ms']:g} ms, {contender_name(row)}, {pace}"


def _densest(rows: Sequence[Row]) -> list[Row]:
    """The densest level of each chunk duration, without durations at which a shorter one runs the same level."""
    found: list[Row] = []
    for row in sorted(rows, key=lambda row: (row["chunk_ms"], row["level"])):
        if not found or row["chunk_ms"] > found[-1]["chunk_ms"] and row["level"] < found[-1]["level"]:
            found.append(row)
    return found


def _chunks_without_miss(row: Row) -> int:
    return math.floor(1 / row["miss_rate_upper"] + 1e-6)


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
