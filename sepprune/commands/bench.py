"""``sepprune bench``: chunk times, the latency report of a machine, and the comparison of two reports."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..arguments import LONGEST_RUN_S, check_number
from ..bench.chart import plot
from ..bench.latency import CHUNKS, ReportSettings
from ..bench.times import Report, bench, contender_name
from ..errors import UserError
from ..files import check_destination
from ..printing import counted, plain_console, print_trimmed
from ..streaming import Ladder, available, create_backend
from ..streaming.stream import chunk_samples
from .bench_reports import run_compare, run_report, run_table
from .options import add_ladder, chosen_levels, numbers_of

_SECONDS, _CHUNK_MS = 5.0, "4,8,16"

#: most processes that --load keeps busy
_MOST_BUSY = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Time every level, chunk duration and backend back to back. The floor is the time of a level's multiply-adds "
        "as bare matrix products on one thread; it needs torch. --plot also draws the cold floor, one pass over the "
        "weights from outside the caches. With --report, measure at live rate too and write a "
        "report of this machine. With --compare, compare two such reports."
    )
    add_ladder(parser)
    parser.add_argument(
        "--seconds",
        type=float,
        help=f"seconds of audio for each row (default: {_SECONDS:g}; with --report as many as {CHUNKS:,} chunks take)",
    )
    parser.add_argument(
        "--chunk-ms", help=f"chunk durations in ms, each rounded up to whole hops (default: {_CHUNK_MS}; --quick: 8)"
    )
    parser.add_argument("--levels", help="only these levels, for example 0,2 (default: all)")
    parser.add_argument(
        "--backend",
        help="openvino, onnxruntime, torch, cuda, auto (the first of these that is installed, in fp32), or all: every "
        "backend in every precision that works here (default: all; --quick: auto)",
    )
    parser.add_argument(
        "--threads", default="1", help="processor threads that share a chunk; several numbers are compared, as in 1,2"
    )
    parser.add_argument("--plot", metavar="FILE.png", help="draw chunk time against multiply-adds")
    parser.add_argument(
        "--report", metavar="DIR", help="write a latency report of this machine: DIR/report.html and DIR/report.json"
    )
    parser.add_argument("--quick", action="store_true", help="with --report: about one minute, and fewer answers")
    parser.add_argument(
        "--soak", type=float, metavar="MINUTES", help="with --report: then run the first level for so long"
    )
    parser.add_argument(
        "--load", type=int, metavar="N", help="with --report: keep N processes busy beside the run (default: 0)"
    )
    parser.add_argument("--note", metavar="TEXT", help="with --report: a note about the machine or the run")
    parser.add_argument(
        "--progress",
        action="store_true",
        help="with --report: for programs, print progress as lines of JSON on standard error instead of a bar",
    )
    parser.add_argument("--seed", type=int, help="with --report: seed of the order of measurements (default: 0)")
    parser.add_argument(
        "--compare",
        nargs=2,
        metavar=("A.json", "B.json"),
        help="compare two reports, or two folders with the reports of at least 5 runs each",
    )
    parser.add_argument(
        "--table", metavar="DIR", help="print the latency reports below a folder as a table of machines"
    )
    parser.add_argument(
        "--out", metavar="FILE", help="with --compare: write the comparison as an HTML page; with --table: as Markdown"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    _refuse_alone(args)
    if args.plot:
        check_destination("--plot", args.plot, (".png",))
    if args.out:
        check_destination("--out", args.out)
    if args.compare:
        return run_compare(args)
    if args.table:
        return run_table(args)
    ladder, notes = Ladder.load(args.ladder), plain_console(stderr=True)
    quick = bool(args.quick)
    levels = chosen_levels(args.levels, ladder)
    durations = _durations(args.chunk_ms or ("8" if quick else _CHUNK_MS), ladder, notes)
    check_number("--seconds", args.seconds, 0, LONGEST_RUN_S, above=True)
    check_number("--soak", args.soak, 0, LONGEST_RUN_S // 60, "minutes", above=True)
    check_number("--load", args.load, 0, _MOST_BUSY, "processes")
    name = args.backend or ("auto" if quick else "all")
    if name == "all":
        backends = available()
    else:
        backend = create_backend(name)
        backends = [(backend.name, backend.precision)]
    threads = _threads(args.threads)
    if args.report:
        settings = ReportSettings(
            levels,
            durations,
            backends,
            threads,
            seconds=args.seconds,
            quick=quick,
            soak_s=60 * (args.soak or 0.0),
            seed=args.seed or 0,
            load=args.load or 0,
            note=args.note or "",
        )
        return run_report(settings, ladder, Path(args.report), args.json != "-", args.progress)
    with Progress(console=notes, transient=True) as progress:
        task = progress.add_task("timing", total=1.0)
        report = bench(
            ladder,
            levels,
            _SECONDS if args.seconds is None else args.seconds,
            durations,
            backends,
            threads,
            lambda share: progress.update(task, completed=share),
        )
    if args.plot:
        try:
            plot(report, args.plot)
        except (OSError, ValueError) as error:
            raise UserError(f"cannot draw {args.plot} ({error}): give a PNG file in a folder that exists") from error
        notes.print(f"The plot is in {args.plot}", soft_wrap=True, highlight=False)
    if args.json != "-":
        print_trimmed(plain_console(), times_table(report))
    return {"ladder": ladder.name, **report}


def _refuse_alone(args: argparse.Namespace) -> None:
    """Refuse options that need another one, or that exclude each other.

    Raises:
        UserError: there are such.
    """
    for reading, given in (("--compare", args.compare), ("--table", args.table)):
        if args.report and given:
            raise UserError(f"--report measures and {reading} does not: give one of them")
    if args.compare and args.table:
        raise UserError("--compare and --table are two ways to show reports: give one of them")
    measuring = {
        "LADDER": args.ladder,
        "--levels": args.levels,
        "--backend": args.backend,
        "--chunk-ms": args.chunk_ms,
        "--seconds": args.seconds,
    }
    for option, given in measuring.items():
        if args.compare and given is not None:
            raise UserError(f"{option} {given} is for measuring: --compare takes nothing but two reports and --out")
        if args.table and given is not None:
            raise UserError(f"{option} {given} is for measuring: --table takes nothing but a folder and --out")
    of_reports = {name: getattr(args, name) for name in ("quick", "soak", "seed", "load", "note", "progress")}
    for option, given in ((f"--{name}", value) for name, value in of_reports.items()):
        if given not in (None, False) and not args.report:
            raise UserError(f"{option} is for a latency report: give --report DIR too")
    if args.out and not (args.compare or args.table):
        raise UserError(f"--out {args.out} is for a comparison: give --compare A.json B.json or --table DIR too")
    if args.plot and (args.report or args.compare or args.table):
        raise UserError(
            f"--plot {args.plot} is for runs without --report, --compare and --table: the pages have their own plots"
        )


def _durations(text: str, ladder: Ladder, notes: Console) -> list[float]:
    asked = numbers_of("--chunk-ms", text, float, "durations", "8,16")
    found = dict.fromkeys(1000 * chunk_samples(ladder, duration) / ladder.sample_rate for duration in asked)
    if list(found) != asked:
        shown = ", ".join(f"{duration:g}" for duration in found)
        notes.print(f"chunks are whole hops: {text} ms became {shown} ms", soft_wrap=True)
    return list(found)


def _threads(text: str) -> list[int]:
    numbers = numbers_of("--threads", text, int, "whole numbers", "1,2")
    for number in numbers:
        create_backend(threads=number)  # raises where the machine has too few cores
    return numbers


def times_table(report: Report) -> Table:
    """One row for each row of the report; times below a second fit into 80 columns."""
    machine = report["machine"]
    table = Table(
        title=f"{machine['processor']}, {counted(machine['cores'], 'core')}; times in ms",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for title in ("level", "MACs/s", "chunk", "backend", "p50", "p95", "p99", "max", "RTF", "floor"):
        table.add_column(title, justify="left" if title == "backend" else "right", no_wrap=title != "backend")
    for row in report["rows"]:
        times = [_short(row["p50_ms"]), _short(row["p95_ms"]), _short(row["p99_ms"]), _short(row["max_ms"])]
        table.add_row(
            str(row["level"]),
            f"{row['macs_per_second'] / 1e6:.0f} M",
            f"{row['chunk_ms']:g}",
            contender_name(row),
            *times,
            f"{row['rtf']:.2f}",
            "-" if row["floor_ms"] is None else _short(row["floor_ms"]),
        )
    return table


def _short(value: float) -> str:
    """Three decimals below one, fewer above: what fits into 80 columns and still shows differences."""
    return f"{value:.{3 if value < 1 else 2 if value < 10 else 1}f}"
