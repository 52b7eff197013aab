"""``sepprune study``: make, plan and analyse listening tests."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.progress import Progress

from ..arguments import LARGEST_WHOLE, check_number
from ..checked import MALFORMED, shown
from ..errors import UserError
from ..files import check_destination
from ..printing import counted, plain_console
from ..resources import asset
from ..streaming import Ladder
from .options import add_stream, chosen_levels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, purpose, add in (
        ("create", "render, match and seal the stimuli of a listening test", _add_create),
        ("simulate", "let simulated listeners take part, to plan a study", _add_simulate),
        ("merge", "analyse the results of any number of sessions", _add_merge),
    ):
        action = actions.add_parser(
            name,
            help=purpose,
            description=purpose[0].upper() + purpose[1:] + ".",
            formatter_class=parser.formatter_class,
        )
        add(action)
        # `sepprune` offers both before the action; here they can stand behind it as in every other command
        action.add_argument(
            "--json",
            metavar="FILE",
            default=argparse.SUPPRESS,
            help="write the result as one JSON object; - is standard output",
        )
        action.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
        )


def run(args: argparse.Namespace) -> dict[str, Any]:
    actions: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
        "create": _create,
        "simulate": _simulate,
        "merge": _merge,
    }
    return actions[args.action](args)


def _add_create(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--audio", nargs="+", metavar="FILE", help="recordings of two voices (default: the demo)")
    source.add_argument("--data", metavar="DIR", help="folder with mix, s1, s2; clean voices become the reference")
    parser.add_argument("--method", required=True, help="abx, preference, mushra, rating or threshold")
    parser.add_argument("--levels", help="levels to compare, the lowest is the baseline (default: all)")
    parser.add_argument(
        "--trials",
        type=int,
        help="abx, preference: of each comparison (default: 16, 8; at most 50 with --open-ended); "
        "threshold: of a session (default: 40)",
    )
    parser.add_argument("--open-ended", action="store_true", help="abx: ask until the evidence suffices")
    parser.add_argument("--items", type=int, default=8, help="passages times voices, at most; mushra has 5 or more")
    parser.add_argument("--seconds", type=float, default=8.0, help="duration of a passage")
    parser.add_argument("--seed", type=int, help="of items and names (default: drawn)")
    parser.add_argument("--title", default="Listening test", help="of the window and the report")
    parser.add_argument("--consent", metavar="FILE", help="text of the first page, in place of the usual one")
    parser.add_argument("--instructions", metavar="FILE", help="text before the training, in place of the usual one")
    parser.add_argument(
        "--questionnaire", metavar="FILE", help='a line "name: question" for each question, in place of the usual ones'
    )
    parser.add_argument(
        "--headphone-check",
        action="store_true",
        help="ask before the training which of three tones is the softest, which only headphones tell",
    )
    parser.add_argument("--ladder", metavar="DIR", help="ladder folder (default: the bundled one)")
    parser.add_argument(
        "--times", metavar="BENCH.json", help="chunk times for the report, from `sepprune bench --json`"
    )
    parser.add_argument("--out", required=True, metavar="STUDY.zip", help="the study")
    add_stream(parser)


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY.zip", help="from `sepprune study create`")
    parser.add_argument("--listener", required=True, metavar="KIND", help="guess, perfect or threshold=3.5")
    parser.add_argument("--sessions", type=int, required=True, metavar="N", help="listeners in a study")
    parser.add_argument("--results", required=True, metavar="DIR", help="folder for result files")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    parser.add_argument(
        "--repeats",
        type=int,
        default=100,
        help="number of simulated studies, for methods that are judged over all sessions",
    )


def _add_merge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", nargs="+", metavar="RESULT", help="result files, or folders of them")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for tables and report")
    parser.add_argument(
        "--times", metavar="BENCH.json", help="chunk times for the report, from `sepprune bench --json`"
    )


def _create(args: argparse.Namespace) -> dict[str, Any]:
    from ..study.create import StudySettings, create_study
    from ..study.design import METHODS
    from ..study.render import Recording
    from ..study.session import draw_order
    from ..study.texts import default_texts, own_texts

    check_destination("--out", args.out, (".zip",), made=[Path(args.out).parent])
    ladder = Ladder.load(args.ladder)
    if args.method not in METHODS:
        raise UserError(f"no listening test is called {args.method!r}: choose from {', '.join(METHODS)}")
    files = (None if file is None else Path(file) for file in (args.consent, args.instructions, args.questionnaire))
    texts = own_texts(default_texts(args.method, args.title), *files)
    if args.data:
        from ..data.mixtures import find

        found = [Recording(one.name, one.mixture, one.references) for one in find(Path(args.data))]
    elif args.audio:
        found = [Recording(Path(file).stem, Path(file)) for file in args.audio]
    else:
        voices = (asset("demo/voice1.flac"), asset("demo/voice2.flac"))
        found = [Recording("demo", asset("demo/mixture.flac"), voices)]
    settings = StudySettings(
        method=args.method,
        levels=tuple(chosen_levels(args.levels, ladder)),
        trials=args.trials,
        open_ended=args.open_ended,
        items=args.items,
        seconds=args.seconds,
        seed=secrets.randbits(48) if args.seed is None else args.seed,
        title=args.title,
        chunk_ms=args.chunk_ms,
        backend=args.backend,
        precision=args.precision,
        times=_times(args.times, args.chunk_ms),
        texts=texts,
        headphone_check=args.headphone_check,
    )
    with _progress() as progress:
        task = progress.add_task("rendering", total=1.0)
        created = create_study(
            ladder, found, settings, Path(args.out), lambda share: progress.update(task, completed=share)
        )
    design, difference = created.study.design, created.largest_loudness_difference
    trials = len(draw_order(created.study, settings.seed))
    items = counted(len(design.items), "item")
    if len(design.items) < settings.items:
        items += f" ({settings.items} were wanted, no more are loud enough: give more recordings, or shorter --seconds)"
    _say(
        args,
        f"{args.out}: {design.method}, {items}, {len(design.conditions)} conditions, "
        f"at most {trials} questions a session, loudness within {difference:.2f} LU, seed {settings.seed}",
    )
    return {
        "file": args.out,
        "method": design.method,
        "items": len(design.items),
        "conditions": [one.name for one in design.conditions],
        "trials": trials,
        "seed": settings.seed,
        "largest_loudness_difference_lu": difference,
    }


def _simulate(args: argparse.Namespace) -> dict[str, Any]:
    from ..study.archive import read_study
    from ..study.listeners import simulated
    from ..study.simulate import simulate

    check_number("--repeats", args.repeats, 1, 10_000)
    check_number("--seed", args.seed, 0, LARGEST_WHOLE)
    study, listener = read_study(Path(args.study)), simulated(args.listener)
    with _progress() as progress:
        task = progress.add_task("simulating", total=1.0)
        found = simulate(
            study,
            listener,
            args.sessions,
            Path(args.results),
            args.seed,
            args.repeats,
            lambda share: progress.update(task, completed=share),
        )
    shares = {
        "power": found.power,
        "false_alarms": found.false_alarms,
        "interval_coverage": found.interval_coverage,
    }
    summary = ", ".join(
        f"{name.replace('_', ' ')}: {'does not apply' if share is None else f'{share:.1%}'}"
        for name, share in shares.items()
    )
    _say(args, f"{counted(found.sessions, 'session')}, judged one {found.unit} at a time: {summary}")
    return {
        "sessions": found.sessions,
        **shares,
        "unit": found.unit,
        "studies": found.studies,
        "listener": args.listener,
    }


def _merge(args: argparse.Namespace) -> dict[str, Any]:
    from ..study.merge import exclusions, merge, read_results

    report = merge(read_results([Path(one) for one in args.results]), Path(args.out), _times(args.times, None))
    lines = (exclusions(report), report["conclusion"], str(Path(args.out) / "report.html"))
    _say(args, "\n".join(filter(None, lines)))
    return report


def _times(file: str | None, chunk_ms: float | None) -> dict[int, float]:
    """Median chunk time by level out of the JSON of `sepprune bench`: the fastest backend, at one chunk duration.

    Raises:
        UserError: the file cannot be read or is no such JSON.
    """
    if file is None:
        return {}
    try:
        rows = json.loads(Path(file).read_text(encoding="utf-8"))["rows"]
        durations = sorted({float(row["chunk_ms"]) for row in rows}, key=lambda one: abs(one - (chunk_ms or 8.0)))
        found: dict[int, float] = {}
        for row in rows:
            if float(row["chunk_ms"]) == durations[0]:
                level, time = int(row["level"]), float(row["p50_ms"])
                found[level] = min(time, found.get(level, time))
        return found
    except OSError as error:
        raise UserError(f"cannot read --times {file} ({error.strerror}): check the path") from error
    except MALFORMED as error:
        raise UserError(
            f"--times {file} is no result of `sepprune bench --json` ({shown(error)}): write it again"
        ) from error


def _progress() -> Progress:
    """A bar at a terminal, nothing in a log."""
    console = plain_console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _say(args: argparse.Namespace, text: str) -> None:
    if args.json != "-":
        plain_console().print(text, highlight=False, soft_wrap=True)
