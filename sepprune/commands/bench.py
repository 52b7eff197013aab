"""``sepprune bench``: chunk times of every level, chunk duration and backend."""

from __future__ import annotations

import argparse
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..bench.chart import plot
from ..bench.times import Report, bench, contender_name
from ..errors import UserError
from ..streaming import Ladder, available, create_backend
from ..streaming.stream import chunk_samples
from .options import add_ladder, chosen_levels, numbers_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Time every level, chunk duration and backend back to back. The floor is the time of a level's multiply-adds "
        "as bare matrix products on one thread; it needs torch."
    )
    add_ladder(parser)
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of audio for each row")
    parser.add_argument("--chunk-ms", default="4,8,16", help="chunk durations in ms, each rounded up to whole hops")
    parser.add_argument("--levels", help="only these levels, for example 0,2 (default: all)")
    parser.add_argument(
        "--backend",
        default="all",
        help="openvino, onnxruntime, torch, cuda, auto, or all: every backend in every precision that works here",
    )
    parser.add_argument(
        "--threads", default="1", help="processor threads that share a chunk; several numbers are compared, as in 1,2"
    )
    parser.add_argument("--plot", metavar="FILE.png", help="draw chunk time against multiply-adds")


def run(args: argparse.Namespace) -> dict[str, Any]:
    ladder, notes = Ladder.load(args.ladder), Console(stderr=True)
    levels, durations = chosen_levels(args.levels, ladder), _durations(args.chunk_ms, ladder, notes)
    if not args.seconds > 0:
        raise UserError(f"--seconds {args.seconds:g} is not possible: give more than 0")
    if args.backend == "all":
        backends = available()
    else:
        backend = create_backend(args.backend)
        backends = [(backend.name, backend.precision)]
    threads = _threads(args.threads)
    with Progress(console=notes, transient=True) as progress:
        task = progress.add_task("timing", total=1.0)
        report = bench(
            ladder,
            levels,
            args.seconds,
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
    if args.json != "-":
        Console().print(_table(report))
    return {"ladder": ladder.name, **report}


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


def _table(report: Report) -> Table:
    machine = report["machine"]
    table = Table(
        title=f"{machine['processor']}, {machine['cores']} cores; times in ms",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for title in ("level", "MACs/s", "chunk", "backend", "p50", "p95", "p99", "max", "RTF", "floor"):
        table.add_column(title, justify="left" if title == "backend" else "right", no_wrap=title != "backend")
    for row in report["rows"]:
        times = [_short(row["p50_ms"]), _short(row["p95_ms"]), _short(row["p99_ms"]), _rounded(row["max_ms"])]
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


def _rounded(value: float) -> str:
    return f"{value:.{2 if value < 1 else 1}f}"
