"""A folder of latency reports as a table of machines, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from ..checked import Table
from .facts import fact_text
from .page import number
from .reading import ADVICE, damaged, read_report, report_files, row_table
from .verdict import best_rows

#: chunk duration that the table shows, in ms
CHUNK_MS = 8.0

#: longest sentence of a report, in characters
_LONGEST = 2000

_HEADS = (
    "machine", "system", "power", "load before", "busy processes", "level", "backend", "p50, ms",
    "p99, ms (95 %)", "chunks", "misses", "misses below", "measured",
)  # fmt: skip


class Machine(TypedDict):
    """One level of one report.

    Keys:
        processor, system, power: of the machine, in words.
        virtual_machine: whether it is one; ``None`` where that is not known.
        load_before: average number of processes that ran or waited before the measurement, in words.
        busy_processes: that were started beside the measurement.
        note: of the person who measured.
        level, backend, precision, chunk_ms: what was timed, at live rate.
        chunks, p50_ms, p99_ms, p99_interval_ms, misses, miss_rate_upper: as in the report.
        made: when.
        verdict, warnings: of the report.
        report: its file, relative to the folder.
    """

    processor: str
    system: str
    power: str
    virtual_machine: bool | None
    load_before: str
    busy_processes: int
    note: str
    level: int
    backend: str
    precision: str
    chunk_ms: float
    chunks: int
    p50_ms: float
    p99_ms: float | None
    p99_interval_ms: list[float] | None
    misses: int
    miss_rate_upper: float
    made: str
    verdict: str
    warnings: list[str]
    report: str


def machines(path: Path) -> list[Machine]:
    """The densest and the lightest level of every report, at :data:`CHUNK_MS` or the duration nearest to it.

    Args:
        path: a report, or a folder with reports below it.

    Raises:
        UserError: there is none, or one cannot be read.
    """
    found: list[Machine] = []
    for file in report_files(path):
        report = read_report(file)
        try:
            _check(report, file)
            found += _machines(report, str(file.relative_to(path)) if path.is_dir() else file.name)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise damaged(file, error) from error
    return found


def _check(report: Mapping[str, Any], file: Path) -> None:
    """Refuse a report of which a value that the page shows is not what it should be.

    Raises:
        UserError: that value.
    """
    for row in report["rows"]:
        table = row_table(row, file)
        table.number("p50_ms", 0), table.number("miss_rate_upper", 0, 1)
        table.integer("chunks", 0, 2**53), table.integer("misses", 0, 2**53)
        if table.has("p99_ms"):
            table.number("p99_ms", 0)
        if table.has("p99_interval_ms"):
            low, high = row["p99_interval_ms"]
            interval = Table({"low": low, "high": high}, f"'p99_interval_ms' of {table.where}", ADVICE)
            interval.number("low", 0), interval.number("high", 0)
    whole = Table(report, str(file), ADVICE)
    whole.text("made"), whole.text("verdict", _LONGEST), whole.texts("warnings", 100, _LONGEST)
    if whole.has("note"):
        whole.text("note", _LONGEST)
    facts = whole.table("machine")
    for name in ("processor", "system", "load", "power_mode", "power_source", "virtual_machine"):
        fact = facts.table(name)
        if not fact.has("value"):
            fact.text("why_missing", _LONGEST)
        elif isinstance(fact.data["value"], str):
            fact.text("value")
        elif not isinstance(fact.data["value"], bool):
            fact.number("value")


def _machines(report: Mapping[str, Any], file: str) -> list[Machine]:
    best = best_rows(report["rows"])
    chunk_ms = min((row["chunk_ms"] for row in best), key=lambda value: abs(value - CHUNK_MS), default=CHUNK_MS)
    shown = sorted((row for row in best if row["chunk_ms"] == chunk_ms), key=lambda row: row["level"])
    facts = report["machine"]
    return [
        {
            "processor": fact_text(facts["processor"]),
            "system": fact_text(facts["system"]),
            "power": _power(facts),
            "virtual_machine": facts["virtual_machine"]["value"],
            "load_before": fact_text(facts["load"]),
            "busy_processes": report.get("busy_processes", 0),
            "note": report.get("note", ""),
            "level": row["level"],
            "backend": row["backend"],
            "precision": row["precision"],
            "chunk_ms": row["chunk_ms"],
            "chunks": row["chunks"],
            "p50_ms": row["p50_ms"],
            "p99_ms": row["p99_ms"],
            "p99_interval_ms": row["p99_interval_ms"],
            "misses": row["misses"],
            "miss_rate_upper": row["miss_rate_upper"],
            "made": report["made"][:10],
            "verdict": report["verdict"],
            "warnings": report["warnings"],
            "report": file,
        }
        for row in (shown if len(shown) < 2 else (shown[0], shown[-1]))
    ]


def laptops_page(rows: Sequence[Machine], command: str) -> str:
    """The page: how to read it, the table, then the verdict and the warnings of each report.

    Args:
        rows: of :func:`machines`.
        command: that writes the page.
    """
    lines = [
        "# Machines",
        "",
        f"`{command}` writes this page from latency reports.",
        "[Latency of a machine](latency.md) says how a report is made and what its numbers mean. To add a machine, put",
        "its report into a folder of its own and run the command again.",
        "",
        "A report has a row for its densest and one for its lightest level. Times are chunk times at live rate.",
        "",
        _line(_HEADS),
        _line(["---"] * len(_HEADS)),
        *(_line(_cells(row)) for row in rows),
        "",
        "## What the reports say",
        "",
    ]
    for file, row in {row["report"]: row for row in rows}.items():
        note = f" {row['note']}" if row["note"] else ""
        lines += [f"**{row['processor']}** (`{file}`).{note} {row['verdict']}", ""]
        lines += [f"- {text}" for text in row["warnings"]] + ([""] if row["warnings"] else [])
    return "\n".join(lines).rstrip() + "\n"


def _cells(row: Machine) -> list[str]:
    interval = row["p99_interval_ms"]
    return [
        row["processor"] + (" (virtual machine)" if row["virtual_machine"] else ""),
        row["system"],
        row["power"],
        row["load_before"],
        str(row["busy_processes"]),
        f"{row['level']}, {row['chunk_ms']:g} ms",
        f"{row['backend']} {row['precision']}",
        number(row["p50_ms"]),
        number(row["p99_ms"]) + (f" ({number(interval[0])} to {number(interval[1])})" if interval else ""),
        f"{row['chunks']:,}",
        str(row["misses"]),
        f"{row['miss_rate_upper']:.2%}",
        row["made"],
    ]


def _power(facts: Mapping[str, Any]) -> str:
    mode = facts["power_mode"]["value"]
    return f"{facts['power_source']['value'] or 'not known'}{f', {mode}' if mode else ''}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
