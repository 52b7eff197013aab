"""``sepprune evaluate``: separate a folder of mixtures with every level and score the results."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..arguments import check_number
from ..data.mixtures import MIXTURE_FOLDERS, find
from ..data.speakers import speakers_of
from ..evaluation import evaluate
from ..printing import counted, plain_console, print_trimmed
from ..streaming import Ladder
from ..streaming.ladder_writer import store_scores
from .options import add_ladder, add_stream, chosen_levels

#: louder or softer in dB: about the range from the softest sound that is heard to the loudest that is borne
_LARGEST_GAIN_DB = 120
#: a mixture and its references may differ by so many seconds: resampling rounds their lengths
_LEFT_OUT_S = 0.01
#: names in a sentence
_NAMED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Stream mixtures through every level and score the results. It needs the extra train: "
        "python3 run.py setup train. The scores of the bundled ladder come from such folders: `quiet` from the clean "
        "mixtures with --gain-db -30, `far` and `telephone` from folders that `python -m "
        "experiments.conditions.conditions DATA OUT` makes of the clean mixtures."
    )
    add_ladder(parser)
    parser.add_argument("--data", required=True, metavar="DIR", help="folder with mix/, s1/ and s2/")
    parser.add_argument(
        "--condition",
        metavar="NAME",
        help=f"folder of mixtures beside s1/ and s2/ (default: the first that exists of {', '.join(MIXTURE_FOLDERS)})",
    )
    parser.add_argument("--levels", help="only these levels, for example 0,2 (default: all)")
    parser.add_argument("--store", metavar="CONDITION", help="write SI-SDRi into the ladder under this name")
    parser.add_argument(
        "--offline", action="store_true", help="one forward pass of the whole file through torch instead of a stream"
    )
    parser.add_argument(
        "--extra",
        metavar="NAMES",
        default="",
        help="further scores: estoi (intelligibility), pesq (quality), or both joined by a comma; "
        "they are slow, and pesq is built from source",
    )
    parser.add_argument(
        "--gain-db",
        type=float,
        default=0.0,
        metavar="DB",
        help="make mixtures louder by this first, or quieter: -30 is a quiet microphone",
    )
    add_stream(parser, precision="fp32")


def run(args: argparse.Namespace) -> dict[str, Any]:
    check_number("--gain-db", args.gain_db, -_LARGEST_GAIN_DB, _LARGEST_GAIN_DB, "dB")
    ladder = Ladder.load(args.ladder)
    extras = [name for name in args.extra.split(",") if name]
    levels, mixtures = chosen_levels(args.levels, ladder), find(Path(args.data), args.condition)
    speakers, notes = speakers_of(mixtures), plain_console(stderr=True)
    if speakers.note is not None:
        notes.print(speakers.note, highlight=False, soft_wrap=True)
    with Progress(console=notes, transient=True) as progress:
        task = progress.add_task("separating", total=len(levels) * len(mixtures))
        rows = evaluate(
            ladder,
            mixtures,
            levels,
            args.offline,
            args.chunk_ms,
            args.backend,
            args.precision,
            extras,
            args.gain_db,
            lambda: progress.advance(task),
            speakers.by_mixture,
        )
    for sentence in _remarks(rows[0]["per_file"]):
        notes.print(sentence, highlight=False, soft_wrap=True)
    if args.store:
        store_scores(ladder, args.store, {row["level"]: row["si_sdri"] for row in rows if row["si_sdri"] is not None})
    if args.json != "-":
        _print(plain_console(), _table(rows, len(mixtures), args.data, args.gain_db))
    return {
        "ladder": ladder.name,
        "data": args.data,
        "offline": args.offline,
        "gain_db": args.gain_db,
        "mixtures": len(mixtures),
        "levels": rows,
    }


def _remarks(files: list[dict[str, Any]]) -> Iterator[str]:
    """What the scores leave out, for the user.

    Args:
        files: ``per_file`` of :func:`~sepprune.evaluation.evaluate`.
    """
    unequal = [file for file in files if file["left_out_s"] > _LEFT_OUT_S]
    if unequal:
        most = max(unequal, key=lambda file: file["left_out_s"])
        several = counted(len(unequal), "mixture has", "mixtures have")
        yield (
            f"{several} another length than a reference: only the time that all files have is scored, "
            f"{most['left_out_s']:.2f} s of {most['name']} are not"
        )
    damaged = [file["name"] for file in files if file["not_finite"]]
    if damaged:
        yield f"samples that are not finite were replaced by zero in {_listed(damaged)}"
    silent = [file["name"] for file in files if not {"si_sdri", "leak_db"} & file.keys()]
    if silent:
        yield f"not scored, because every reference is silent: {_listed(silent)}"


def _listed(names: list[str]) -> str:
    """The first names, and how many there are besides."""
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join(names[:_NAMED] + more)


def _print(console: Console, table: Table) -> None:
    """Print the table; where it has all scores, wider than 80 columns rather than with numbers that are cut."""
    wide = console.options.update(width=200)
    console.width = max(console.width, console.measure(table, options=wide).maximum)
    print_trimmed(console, table)


def _table(rows: list[dict[str, Any]], mixtures: int, data: str, gain_db: float) -> Table:
    columns = {
        "SI-SDRi": "si_sdri",
        "SDRi": "sdri",
        "input\nSI-SDR": "input_si_sdr",
        "active\nSI-SDR": "active_si_sdr",
        "leak": "leak_db",
        "worst\nleak": "worst_leak_db",
        "ESTOI": "estoi",
        "PESQ": "pesq",
        "swaps": "swaps",
    }
    shown = {title: key for title, key in columns.items() if any(row.get(key) is not None for row in rows)}
    kinds = "means and the worst mixture" if "worst\nleak" in shown else "means"
    louder = f" at {gain_db:+g} dB" if gain_db else ""
    title = f"{counted(mixtures, 'mixture')} of {data}{louder}, {kinds} in dB"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("level", "params", "MACs/s", *shown):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = []
        for key in shown.values():
            value, interval = row[key], row["si_sdri_ci95"]
            text = "-" if value is None else str(value) if key == "swaps" else f"{value:.2f}"
            if key == "si_sdri" and interval:
                text += f" ± {(interval[1] - interval[0]) / 2:.2f}"
            cells.append(text)
        cost = f"{row['params'] / 1e6:.2f} M", f"{row['macs_per_second'] / 1e6:.0f} M"
        table.add_row(str(row["level"]), *cost, *cells)
    return table
