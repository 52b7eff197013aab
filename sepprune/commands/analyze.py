"""``sepprune analyze``: a separator's parameters and multiply-adds, by layer and by channel group."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from ..arguments import check_number
from ..checked import RATES
from ..printing import plain_console, print_trimmed
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

    check_number("--sample-rate", args.sample_rate, 1, RATES[1], "Hz")
    module = load_named(args.model)
    rate = rate_of(module, args.sample_rate)
    example = example_for(module, rate)
    analysis = analyze(module, example, sample_rate=rate, like_ptflops=args.like_ptflops)
    ahead = measured(module, example, rate)
    if args.json != "-":
        _print(args.model, analysis)
        print_trimmed(plain_console(), described(ahead), highlight=False, soft_wrap=True)
    report = asdict(analysis)
    report["blocked"] = [reason._asdict() for reason in analysis.blocked]
    return report | as_report(ahead)


def alike_groups(groups: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Groups at the same place in repeated blocks, together; each set at the place of its first group."""
    sets: dict[str, list[dict[str, Any]]] = {}
    for group in groups:
        sets.setdefault(group["alike"], []).append(group)
    return list(sets.values())


def channels_of(group: Mapping[str, Any]) -> str:
    """The channels of a group for a table: how many, and how many of its layer each of them stands for.

    >>> channels_of({"channels": 16, "unit": 1}), channels_of({"channels": 16, "unit": 2})
    ('16', '16 × 2')
    """
    return f"{group['channels']} × {group['unit']}" if group["unit"] > 1 else str(group["channels"])


def about_units(groups: Sequence[Mapping[str, Any]]) -> str:
    """What the channels in a table mean where a group has units of several channels; empty where none has."""
    example = next((group for group in groups if group["unit"] > 1), None)
    if example is None:
        return ""
    count, unit = example["channels"], example["unit"]
    return f"{count} × {unit} are {count} units of {unit} channels that can only be dropped together."


def _common_name(names: Sequence[str]) -> str:
    """One name for several: parts in which they differ are stars.

    >>> _common_name(["blocks.0.expand", "blocks.1.expand"])
    'blocks.*.expand'
    """
    parts = zip(*(name.split(".") for name in names), strict=True)
    return ".".join(part[0] if len(set(part)) == 1 else "*" for part in parts)


def _print(name: str, analysis: Analysis) -> None:
    console = plain_console()
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
        caption="A row may stand for several groups at the same place in repeated blocks; channels and layers are "
        "those of one of them. Groups overlap: a product of two groups' channels counts for both. "
        + about_units(analysis.groups),
    )
    for column in ("group", "groups", "channels", "layers", "parameters", "M MACs/s"):
        groups.add_column(column, justify="left" if column == "group" else "right")
    for alike in alike_groups(analysis.groups):
        groups.add_row(
            _common_name([group["id"] for group in alike]),
            str(len(alike)),
            channels_of(alike[0]),
            str(len(alike[0]["layers"])),
            f"{sum(group['params'] for group in alike):,}",
            f"{sum(group['macs_per_second'] for group in alike) / 1e6:.2f}",
        )
    print_trimmed(console, groups)
    if analysis.blocked:
        blocked = Table(title="Channels that cannot be pruned safely")
        for column in ("layer", "operation", "why"):
            blocked.add_column(column)
        for reason in analysis.blocked:
            blocked.add_row(*reason)
        print_trimmed(console, blocked)
