"""``sepprune prune``: learn which channels to drop, drop them, check the result."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from ..arguments import LARGEST_WHOLE, check_number
from ..checked import RATES
from ..errors import UserError
from ..files import reason
from ..printing import plain_console, print_trimmed
from .analyze import about_units, channels_of
from .options import add_model
from .prune_progress import MaskProgress

#: most mixtures in a batch, and longest mixture in seconds
_LARGEST_BATCH, _LONGEST_MIXTURE_S = 1024, 600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="safetensors file of the dense model; without it, a built-in MODEL is pruned with fresh random weights",
    )
    parser.add_argument("--method", default="sepprune", help="sepprune, random, l1, l2, taylor, fpgm, hrank or lamp")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--macs", type=float, metavar="R", help="share of the dense multiply-adds to keep")
    budget.add_argument("--params", type=float, metavar="R", help="share of the dense parameters to keep")
    budget.add_argument("--chunk-time", type=float, metavar="R", help="share of the dense chunk time to keep")
    budget.add_argument(
        "--channels",
        nargs="+",
        metavar="R",
        help="share of all channels to keep; or shares by group as PATTERN=R, for example mask=0.75 '*'=0.5: the "
        "first pattern that matches a group of sepprune analyze counts, and groups that match none keep all",
    )
    budget.add_argument(
        "--threshold",
        type=float,
        metavar="E",
        help="threshold of the published method (0.7 in the paper); it does not control how much is kept",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="training data folder or pack, a folder with mix/, s1/, s2/, or the folder of --dataset",
    )
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        help="--data is a data set as its official scripts write it: lrs2-2mix, libri2mix, wham or echoset",
    )
    parser.add_argument(
        "--split",
        default="train",
        help="split of the data set: train, or a name that the data set uses, such as train-360",
    )
    parser.add_argument(
        "--condition", default="mix_clean", help="condition of the data set, if it has several, such as mix_both"
    )
    parser.add_argument(
        "--length", default="min", help="length of the mixtures of the data set, if it has several: min or max"
    )
    parser.add_argument("--steps", type=int, default=500, help="batches for learning masks")
    parser.add_argument("--batch", type=int, default=4, help="mixtures in a batch")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a mixture")
    parser.add_argument(
        "--sample-rate", type=int, help="in hertz (default: that of the separator, 16000 for other modules)"
    )
    parser.add_argument(
        "--include", nargs="*", default=(), metavar="PATTERN", help="only groups with one of these layers"
    )
    parser.add_argument("--exclude", nargs="*", default=(), metavar="PATTERN", help="no group with one of these layers")
    parser.add_argument(
        "--compare",
        default="model",
        choices=("model", "alike", "group"),
        help="whose scores decide: all channels against each other, those of groups at the same place in repeated "
        "blocks, or those of each group alone, so that all groups keep the same share",
    )
    parser.add_argument("--round-to", type=int, default=1, metavar="N", help="keep multiples of N channels")
    parser.add_argument(
        "--whole-branches",
        action="store_true",
        help="let the budget remove whole residual branches with their operators",
    )
    parser.add_argument(
        "--narrowest",
        type=int,
        default=0,
        metavar="N",
        help="with --whole-branches: a branch keeps at least N channels or none",
    )
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers")
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="folder for model.safetensors, plan.json and report.json"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    from ..models import example_for, has_weights, load_named, rate_of
    from ..pruning import Floor, prune
    from ..separators.weights import load_weights
    from .prune_data import batches

    out, notes = Path(args.out), plain_console(stderr=True)
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file: name a folder")
    check_number("--steps", args.steps, 1, LARGEST_WHOLE)
    check_number("--batch", args.batch, 1, _LARGEST_BATCH, "mixtures")
    check_number("--round-to", args.round_to, 1, LARGEST_WHOLE)
    check_number("--seconds", args.seconds, 0, _LONGEST_MIXTURE_S, above=True)
    check_number("--sample-rate", args.sample_rate, 1, RATES[1], "Hz")
    check_number("--threshold", args.threshold, 0, 1, above=True)
    check_number("--narrowest", args.narrowest, 0, LARGEST_WHOLE, "channels")
    check_number("--seed", args.seed, 0, LARGEST_WHOLE)
    if args.narrowest and not args.whole_branches:
        raise UserError(
            f"--narrowest {args.narrowest} is a number of channels of branches that may be removed whole: "
            "give a positive one, with --whole-branches"
        )
    module = load_named(args.model)
    if args.weights:
        load_weights(module, args.weights)
    args.sample_rate = rate_of(module, args.sample_rate)
    hop = getattr(module, "hop", 1)
    data = batches(args, hop if isinstance(hop, int) else 1)
    if not args.weights and not has_weights(args.model):
        notes.print(
            f"Warning: the weights of {args.model} are random, so its channels mean nothing: give trained ones with "
            "--weights FILE",
            soft_wrap=True,
            highlight=False,
        )
    with MaskProgress(args.steps, notes) as progress:
        result = prune(
            module,
            example_for(module, args.sample_rate),
            macs=args.macs,
            params=args.params,
            chunk_time=args.chunk_time,
            channels=None if args.channels is None else _shares(args.channels),
            threshold=args.threshold,
            method=args.method,
            data=data,
            steps=args.steps,
            seed=args.seed,
            include=args.include,
            exclude=args.exclude,
            compare=args.compare,
            floor=Floor(whole_branches=args.whole_branches, narrowest=args.narrowest),
            round_to=args.round_to,
            sample_rate=args.sample_rate,
            progress=progress.show,
        )
    try:
        result.save(out)
    except OSError as error:
        raise UserError(f"cannot write to --out {out} ({reason(error)}): choose another folder") from error
    if args.json != "-":
        _print(args, result.report)
    return result.report


def _shares(words: Sequence[str]) -> float | dict[str, float]:
    """The value of ``--channels``: one share, or shares by pattern."""
    try:
        if len(words) == 1 and "=" not in words[0]:
            return float(words[0])
        pairs = [word.rpartition("=") for word in words]
        shares = {pattern: float(share) for pattern, _, share in pairs}
    except ValueError:
        shares = {"": 0.0}
    if "" in shares:
        raise UserError(
            f"--channels {' '.join(words)} is neither a share nor PATTERN=SHARE: write for example 0.5, or "
            "mask=0.75 '*'=0.5"
        )
    return shares


def _print(args: argparse.Namespace, report: dict[str, Any]) -> None:
    console = plain_console()
    table = Table(title=f"{args.model} pruned by {report['method']}")
    for column in ("", "dense", "pruned", "kept"):
        table.add_column(column, justify="right")
    for name, key, scale, unit in (("parameters", "params", 1e6, "M"), ("multiply-adds per second", "macs", 1e6, "M")):
        before, after = report[f"{key}_before"], report[f"{key}_after"]
        table.add_row(name, f"{before / scale:.2f} {unit}", f"{after / scale:.2f} {unit}", f"{after / before:.1%}")
    print_trimmed(console, table)
    units = about_units(report["groups"])
    groups = Table(caption=f"{units} Kept are units, too." if units else None)
    for column in ("group", "channels", "kept"):
        groups.add_column(column, justify="left" if column == "group" else "right")
    for group in report["groups"]:
        groups.add_row(group["id"], channels_of(group), str(group["kept"]))
    print_trimmed(console, groups)
    if report["rounded"]:
        print_trimmed(console, _about_rounded(report["rounded"]), highlight=False, soft_wrap=True)
    print_trimmed(
        console,
        f"The pruned model differs from the masked one by {report['max_abs_difference']:.1e} at most. "
        f"Written to {args.out}.",
    )


def _about_rounded(rounded: Sequence[Mapping[str, Any]]) -> str:
    """That groups keep another number of channels than their shares ask for, with the one that is furthest off."""
    worst = max(rounded, key=lambda item: abs(item["kept"] - item["asked"]) / item["channels"])
    number = "1 group keeps" if len(rounded) == 1 else f"{len(rounded)} groups keep"
    return (
        f"{number} another number of channels than asked for. {worst['id']} keeps {worst['kept']} of "
        f"{worst['channels']} instead of {worst['asked']}: {worst['why']}."
    )
