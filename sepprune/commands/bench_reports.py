"""``sepprune bench --report``, ``--compare`` and ``--table``: settings in, files and tables out."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..bench.compare import Comparison, compare, read_side
from ..bench.compare_page import compare_page
from ..bench.laptops import laptops_page, machines
from ..bench.latency import LatencyReport, ReportSettings, measure, subject_of, without_raw
from ..bench.page import number
from ..bench.report_page import report_page
from ..bench.times import contender_name
from ..bench.verdict import best_rows
from ..errors import UserError
from ..files import write_whole
from ..printing import plain_console, print_trimmed
from ..streaming import Ladder

#: seconds of sound between two lines of progress
_LINE_S = 0.5


def run_report(
    settings: ReportSettings, ladder: Ladder, folder: Path, printed: bool, lines: bool = False
) -> dict[str, Any]:
    """Measure this machine and write both files.

    Args:
        settings: what the report covers.
        ladder: the levels.
        folder: of the files; it is made where it does not exist.
        printed: whether people get the verdict and a table.
        lines: print progress for programs.

    Raises:
        UserError: the folder cannot be written.
        KeyboardInterrupt: it came before anything was measured; what was in the folder is unchanged.
    """
    notes = plain_console(stderr=True)
    with _writing(folder):  # find out before the run
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    total = settings.planned_s()
    notes.print(
        f"measuring for about {_duration(total)}; Ctrl-C ends it and keeps what is measured. Do not use the "
        "machine meanwhile.",
        soft_wrap=True,
    )
    with _lines(total) if lines else _bar(total, notes) as advance:
        report = measure(subject_of(ladder), settings, advance)
    if not report["rows"]:
        notes.print("interrupted before anything was measured: no report is written", soft_wrap=True)
        raise KeyboardInterrupt
    with _writing(folder):
        write_whole(folder / "report.json", (json.dumps(report, allow_nan=False) + "\n").encode())
        write_whole(folder / "report.html", report_page(report).encode())
    if printed:
        _print_report(report, folder)
    return without_raw(report)


def run_compare(args: argparse.Namespace) -> dict[str, Any]:
    """Compare two reports.

    Raises:
        UserError: they cannot be read or compared, or the page cannot be written.
    """
    first, second = (read_side(Path(path)) for path in args.compare)
    comparison = compare(first, second)
    if args.out:
        with _writing(Path(args.out)):
            write_whole(Path(args.out), compare_page(comparison, first, second).encode())
    if args.json != "-":
        _print_comparison(comparison)
    return dict(comparison)


def run_table(args: argparse.Namespace) -> dict[str, Any]:
    """Show the reports below a folder as a table of machines.

    Raises:
        UserError: there are none, or one cannot be read, or the page cannot be written.
    """
    rows = machines(Path(args.table))
    command = f"sepprune bench --table {args.table}" + (f" --out {args.out}" if args.out else "")
    page = laptops_page(rows, command)
    if args.out:
        with _writing(Path(args.out)):
            write_whole(Path(args.out), page.encode())
    elif args.json != "-":
        print(page, end="")
    return {"rows": rows}


def _duration(seconds: float) -> str:
    """Seconds or minutes, in words."""
    return f"{max(1.0, seconds):.0f} s" if seconds < 90 else f"{seconds / 60:.1f} minutes"


@contextmanager
def _bar(total: float, notes: Console) -> Iterator[Callable[[float], None]]:
    """Progress for people; the function takes seconds that are done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True) as progress:
        task = progress.add_task("measuring", total=total)
        yield lambda seconds: progress.advance(task, seconds)


@contextmanager
def _lines(total: float) -> Iterator[Callable[[float], None]]:
    """Progress for programs: a line at most every half second of sound, and one at the end."""
    done = printed = 0.0

    def advance(seconds: float) -> None:
        nonlocal done, printed
        done += seconds
        if done - printed >= _LINE_S or done >= total - 1e-6:
            printed = done
            line = {"share": round(min(1.0, done / total), 4), "seconds": round(done, 1), "of_seconds": round(total, 1)}
            print(json.dumps(line), file=sys.stderr, flush=True)

    yield advance


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {target} ({error.strerror}): give a place that can be written") from error


def _print_report(report: LatencyReport, folder: Path) -> None:
    console = plain_console()
    table = _table(("level", "chunk", "backend", "chunks", "p50", "p99", "max", "misses", "miss rate below"))
    for row in best_rows(report["rows"]):
        table.add_row(
            str(row["level"]),
            f"{row['chunk_ms']:g}",
            contender_name(row),
            f"{row['chunks']}",
            number(row["p50_ms"]),
            number(row["p99_ms"]),
            number(row["max_ms"]),
            str(row["misses"]),
            f"{row['miss_rate_upper']:.2%}",
        )
    console.print(report["verdict"], soft_wrap=True, highlight=False)
    for text in report["warnings"]:
        console.print(f"Warning: {text}", soft_wrap=True, highlight=False)
    print_trimmed(console, table)
    console.print(f"{folder / 'report.html'} has everything", soft_wrap=True, highlight=False)


def _print_comparison(comparison: Comparison) -> None:
    console = plain_console()
    table = _table(("level", "chunk", "backend", "pace", "ratio", "result"))
    for row in comparison["rows"]:
        table.add_row(
            str(row["level"]),
            f"{row['chunk_ms']:g}",
            contender_name(row),
            "paced" if row["paced"] else "back to back",
            "–" if row["ratio"] is None else f"{row['ratio']:.3f}",
            row["statement"],
        )
    console.print(comparison["conclusion"], soft_wrap=True, highlight=False)
    print_trimmed(console, table)
    for text in comparison["notes"]:
        console.print(text, soft_wrap=True, highlight=False)


def _table(titles: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for title in titles:
        table.add_column(title, justify="left" if title in ("backend", "pace", "result") else "right")
    return table
