"""Two machines or two runs side by side: ratios of chunk times with intervals that hold for all rows together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np

from ..checked import MALFORMED, Table
from ..errors import UserError
from ..printing import counted
from .reading import damaged, read_report, report_files, row_table
from .rows import blocks_of
from .statistics import parts, ratio
from .verdict import busy_words

#: runs of each side from which the run is the unit, so that differences between runs are in the interval
LEAST_RUNS = 5
CONFIDENCE = 0.95
#: where a row without a clear difference allows a larger one, the runs cannot tell: such a bound says nothing of use
LARGEST_BOUND = 0.25


class Key(NamedTuple):
    """What two rows must share to be compared."""

    level: int
    chunk_ms: float
    backend: str
    precision: str
    threads: int
    paced: bool


class Row(TypedDict):
    """One row of a comparison.

    Keys:
        level, chunk_ms, backend, precision, threads, paced: what is compared.
        first_ms, second_ms: geometric means of the medians of the units, so that their quotient is the ratio.
        ratio, interval: ``second_ms / first_ms``, and its interval; ``None`` with too few blocks.
        different: whether the interval excludes 1; ``None`` with too few blocks.
        statement: the result in words.
    """

    level: int
    chunk_ms: float
    backend: str
    precision: str
    threads: int
    paced: bool
    first_ms: float
    second_ms: float
    ratio: float | None
    interval: list[float] | None
    different: bool | None
    statement: str


class Comparison(TypedDict):
    """The JSON object of ``sepprune bench --compare``.

    Keys:
        first, second: names of the sides.
        unit: ``run``, or ``part of a run`` where each side is one report.
        conclusion: in one sentence.
        notes: what to keep in mind.
        rows: that both sides have.
    """

    first: str
    second: str
    unit: str
    conclusion: str
    notes: list[str]
    rows: list[Row]


@dataclass(frozen=True)
class Side:
    """One report, or several runs of one machine.

    Args:
        name: of the file or folder.
        processor: as the machine names it.
        power: mains, battery, or why it is not known.
        busy_processes: the most that were started beside a run.
        runs: for each run the blocks of every row, in ms.
    """

    name: str
    processor: str
    power: str
    busy_processes: int
    runs: Sequence[Mapping[Key, Sequence[Any]]]


def read_side(path: Path) -> Side:
    """Read a ``report.json``, or every ``report.json`` below a folder.

    Raises:
        UserError: there is none, it is no latency report, or a folder has more than one but too few runs.
    """
    files = report_files(path)
    if 1 < len(files) < LEAST_RUNS:
        raise UserError(
            f"{path} has {len(files)} reports: give one, or at least {LEAST_RUNS} runs of the same machine, better 9"
        )
    reports = [_read(file) for file in files]
    power = reports[0]["machine"]["power_source"]
    return Side(
        str(path),
        str(reports[0]["machine"]["processor"]["value"]),
        str(power["value"] or power["why_missing"]),
        max(report["busy_processes"] for report in reports),
        [{_key(row): row["blocks"] for row in report["rows"] if not row["soak"]} for report in reports],
    )


def compare(first: Side, second: Side) -> Comparison:
    """Compare two sides row by row.

    Intervals are Welch's on logarithms of medians, corrected by Bonferroni, so that 95 % of comparisons of a machine
    with itself show no difference in any row.

    Raises:
        UserError: the sides have no row in common, or only one of them has several runs.
    """
    by_run = len(first.runs) > 1
    if by_run != (len(second.runs) > 1):
        raise UserError(
            f"{first.name} has {counted(len(first.runs), 'run')} and {second.name} has {len(second.runs)}: give one "
            f"report of each machine, or at least {LEAST_RUNS} of each"
        )
    shared = [key for key in first.runs[0] if all(key in run for run in (*first.runs, *second.runs))]
    if not shared:
        raise UserError(
            f"{first.name} and {second.name} have no level, chunk duration and backend in common: measure both with "
            "the same --levels, --chunk-ms and --backend"
        )
    confidence = 1 - (1 - CONFIDENCE) / len(shared)
    rows = [_row(key, first, second, by_run, confidence) for key in sorted(shared)]
    return {
        "first": first.name,
        "second": second.name,
        "unit": "run" if by_run else "part of a run",
        "conclusion": _conclusion(rows),
        "notes": list(_notes(first, second, len(shared), by_run)),
        "rows": rows,
    }


def _row(key: Key, first: Side, second: Side, by_run: bool, confidence: float) -> Row:
    units = [_units(side, key, by_run) for side in (first, second)]
    found = ratio(units[0], units[1], confidence)
    first_ms, second_ms = (math.exp(np.mean(logarithms)) for logarithms in units)
    return {
        **key._asdict(),  # type: ignore[typeddict-item]  # the fields of a key are the first of a row
        "first_ms": first_ms,
        "second_ms": second_ms,
        "ratio": found.value if found else None,
        "interval": [found.low, found.high] if found else None,
        "different": not found.low <= 1 <= found.high if found else None,
        "statement": _statement(found.value, found.low, found.high) if found else "too few blocks to compare",
    }


def _statement(value: float, low: float, high: float) -> str:
    if low > 1:
        return f"slower by {value - 1:.1%} ({low - 1:.1%} to {high - 1:.1%})"
    if high < 1:
        return f"faster by {1 - value:.1%} ({1 - high:.1%} to {1 - low:.1%})"
    most = largest_difference(low, high)
    if most > LARGEST_BOUND:
        return f"cannot tell: a difference of up to {most:.1%} may be hidden"
    return f"no difference larger than {most:.1%}"


def largest_difference(low: float, high: float) -> float:
    """The largest change that an interval of a ratio allows, in either direction.

    >>> round(largest_difference(0.96, 1.02), 3)
    0.042
    """
    return max(high, 1 / low) - 1


def _conclusion(rows: Sequence[Row]) -> str:
    clear = [row for row in rows if row["interval"] is not None]
    if not clear:
        return "Too few blocks to compare."
    different = [row for row in clear if row["different"]]
    total = counted(len(clear), "row")
    if not different:
        bounds = [largest_difference(*row["interval"]) for row in clear if row["interval"]]
        vague = sum(bound > LARGEST_BOUND for bound in bounds)
        if vague:
            return (
                f"These runs cannot tell whether the sides differ: a difference of up to {max(bounds):.1%} may be "
                f"hidden in {vague} of {total}, so measure longer (--seconds) on a machine that does nothing else, "
                "each side nine times."
            )
        where = "the only row" if len(clear) == 1 else f"any of {total}"
        return f"No difference: none larger than {max(bounds):.1%} in {where}."
    slower, faster = (
        [row["ratio"] for row in different if row["ratio"] is not None and (row["ratio"] > 1) == more]
        for more in (True, False)
    )
    found = []
    if slower:
        found.append(f"slower in {len(slower)} of {total}, by {_mean(slower) - 1:.1%}")
    if faster:
        found.append(f"faster in {len(faster)} of {total}, by {1 - _mean(faster):.1%}")
    return f"The second side is {', and '.join(found)} (geometric mean of those rows)."


def _mean(ratios: Sequence[float]) -> float:
    return math.exp(np.mean(np.log(ratios)))


def _notes(first: Side, second: Side, count: int, by_run: bool) -> Iterable[str]:
    rows = "the only row" if count == 1 else f"all {count} rows together"
    yield f"Intervals hold for {rows} at {CONFIDENCE:.0%} (Bonferroni)."
    if not by_run:
        yield (
            "Each side counts as one run, divided into consecutive parts. Two runs on the same machine can differ by "
            f"more than these intervals say. To include that, give folders with at least {LEAST_RUNS} reports each."
        )
    if first.power != second.power:
        yield f"The sides differ in their power source: {first.power}, and {second.power}."
    for label, side in (("first", first), ("second", second)):
        if side.busy_processes:
            yield f"The {label} side was measured beside {busy_words(side.busy_processes)} (--load)."
    missing = len({key for side in (first, second) for run in side.runs for key in run}) - count
    if missing:
        verb = "is" if missing == 1 else "are"
        yield f"{counted(missing, 'row')} {verb} missing on one side or in one run, and {verb} left out."


def _units(side: Side, key: Key, by_run: bool) -> list[float]:
    if by_run:
        return [math.log(max(1e-9, float(np.median(np.concatenate(run[key]))))) for run in side.runs]
    return parts(list(side.runs[0][key]))


def _key(row: Mapping[str, Any]) -> Key:
    return Key(*(row[name] for name in Key._fields))


def _read(file: Path) -> dict[str, Any]:
    """A report whose rows have ``blocks`` beside ``raw``."""
    report = read_report(file)
    try:
        for row in report["rows"]:
            row["blocks"] = blocks_of(row)
            row_table(row, file)
        for name in ("processor", "power_source"):
            report["machine"][name]["value"], report["machine"][name]["why_missing"]
        report.setdefault("busy_processes", 0)  # reports of older versions have none
        Table(report, str(file), "measure again").integer("busy_processes", 0, 10_000)
    except MALFORMED as error:
        if isinstance(error, UserError):
            raise
        raise damaged(file, error) from error
    return report
