"""``sepprune analyze``: a separator's parameters and multiply-adds, by layer and by channel group."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from ..printing import print_trimmed
from .options import add_model

if TYPE_CHECKING:
    from ..pruning import Analysis


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--sample-rate",
        type=int,
        help="in hertz; MACs are counted for a second of it (default: that of the separator, 16000 for other modules)",
    )
    parser.add_argument(
        "--like-ptflops",
        action="store_true",
        help="count modules and groups as ptflops does: biases, norms, activations and interpolation "
        "too, some of them twice",
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    from ..models import example_for, load_named, rate_of
    from ..pruning import analyze
    from .look_ahead import as_report, described, measured

    module = load_named(args.model)
    rate = rate_of(module, args.sample_rate)
    example = example_for(module, rate)
    analysis = analyze(module, example, sample_rate=rate, like_ptflops=args.like_ptflops)
    ahead = measured(module, example, rate)
    if args.json != "-":
        _print(args.model, analysis)
        print_trimmed(Console(), described(ahead), highlight=False, soft_wrap=True)
    report = asdict(analysis)
    report["blocked"] = [reason._asdict() for reason in analysis.blocked]
    return report | as_report(ahead)


def _print(name: str, analysis: Analysis) -> None:
    console = Console()
    modules = Table(
        title=f"{name}: {analysis.params / 1e6:.2f} M parameters, "
        f"{analysis.macs_per_second / 1e6:.1f} M multiply-adds per second of audio "
        f"({analysis.macs_per_second_ptflops / 1e6:.1f} M as ptflops counts)"
    )
    for column in ("layer", "parameters", "M MACs/s", "share"):
        modules.add_column(column, justify="left" if column == "layer" else "right")
    for module in analysis.modules:
        if module["share"] >= 0.005:
            modules.add_row(
                module["name"],
                f"{module['params']:,}",
                f"{module['macs_per_second'] / 1e6:.2f}",
                f"{module['share']:.1%}",
            )
    print_trimmed(console, modules)
    groups = Table(
        title="Channel groups: channels that are kept or dropped together, and the cost that depends on them",
        caption="Groups overlap: a product of two groups' channels counts for both.",
    )
    for column in ("group", "channels", "layers", "parameters", "M MACs/s"):
        groups.add_column(column, justify="left" if column == "group" else "right")
    for group in analysis.groups:
        groups.add_row(
            group["id"],
            str(group["channels"]),
            str(len(group["layers"])),
            f"{group['params']:,}",
            f"{group['macs_per_second'] / 1e6:.2f}",
        )
    print_trimmed(console, groups)
    if analysis.blocked:
        blocked = Table(title="Channels that cannot be pruned safely")
        for column in ("layer", "operation", "why"):
            blocked.add_column(column)
        for reason in analysis.blocked:
            blocked.add_row(*reason)
        print_trimmed(console, blocked)
