"""``sepprune compare``: SepPrune compared with its rivals on one trained separator."""

from __future__ import annotations

import argparse
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..arguments import check_number
from ..printing import plain_console, print_trimmed
from .train import keep_memory

#: most cells that are made at the same time
_MOST_PROCESSES = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help="TOML file of the comparison, see experiments/comparison/settings.toml")
    parser.add_argument("--processes", type=int, default=1, help="number of cells that are made at the same time")
    parser.add_argument("--data", help="folder or pack of recordings, instead of the configuration's")
    parser.add_argument(
        "--out",
        help="folder for cells, comparison.json and comparison.png, instead of the "
        "configuration's; a folder with a part of this comparison is continued",
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    check_number("--processes", args.processes, 1, _MOST_PROCESSES)
    keep_memory()
    from ..comparison import compare, load_comparison_settings

    settings = load_comparison_settings(args.config, args.data, args.out)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=plain_console(stderr=True),
    )
    with bar:
        task = bar.add_task("dense", total=None)
        report = compare(
            settings,
            args.processes,
            lambda finished, total, what: bar.update(task, completed=finished, total=total, description=what),
        )
    if args.json != "-":
        _print(report, settings.out)
    return report


def _print(report: dict[str, Any], out: str) -> None:
    console = plain_console()
    stages = {"pruned": "before fine-tuning", "tuned": f"after {report['updates']} updates"}
    table = Table(
        title=f"SI-SDR improvement in dB, mean and standard deviation over seeds; dense {report['dense']:.2f}"
    )
    table.add_column("method")
    columns = [(stage, reduction) for stage in stages for reduction in sorted(report["reductions"])]
    for stage, reduction in columns:
        table.add_column(f"{reduction:.0%} fewer MACs\n{stages[stage]}", justify="right")
    cells = {
        (row["method"], row["stage"], row["reduction"]): f"{row['si_sdri']:.2f} ± {row['deviation']:.2f}"
        for row in report["rows"]
    }
    for method in report["methods"]:
        table.add_row(method, *(cells.get((method, *column), "") for column in columns))
    print_trimmed(console, table)
    print_trimmed(console, f"Every score: {out}/comparison.json; picture: {out}/comparison.png.")
