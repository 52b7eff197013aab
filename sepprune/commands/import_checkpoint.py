"""``sepprune import``: a public pretrained causal separator as a separator of this program."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..arguments import check_number
from ..checked import RATES
from ..errors import UserError
from ..printing import plain_console, print_trimmed

#: as :data:`sepprune.importing.KINDS`, which would import torch
_KINDS = ("asteroid", "espnet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write a public pretrained causal separator as a folder that every command takes as MODEL and as LADDER. "
        "espnet: enhancement checkpoints with convolutional encoder and decoder and a causal SkiM or TCN separator. "
        "asteroid: causal ConvTasNet. Weights are read as tensors; no code of a checkpoint runs."
    )
    parser.add_argument("kind", choices=_KINDS, help="program that wrote the checkpoint")
    parser.add_argument(
        "checkpoint",
        metavar="CHECKPOINT",
        help="file of weights, folder that has one, or name on the Hugging Face hub (owner/name, downloaded)",
    )
    parser.add_argument("--config", metavar="FILE", help="config.yaml of ESPnet (default: the one beside the weights)")
    parser.add_argument("--sample-rate", type=int, help="in hertz, where the configuration does not name it")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write: a ladder of one level")


def run(args: argparse.Namespace) -> dict[str, Any]:
    from ..importing import import_checkpoint
    from ..pruning import analyze
    from ..streaming import LevelRecord, write_ladder
    from .look_ahead import as_report, described, measured

    out = Path(args.out)
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file: name a folder")
    check_number("--sample-rate", args.sample_rate, *RATES, "Hz")
    separator, found = import_checkpoint(args.kind, args.checkpoint, args.config, args.sample_rate)
    analysis = analyze(separator, sample_rate=separator.sample_rate)
    record = LevelRecord(
        found.family, found.settings, None, separator.state_dict(), {"macs_per_second": analysis.macs_per_second}
    )
    ladder = write_ladder(out, f"{args.kind} {Path(args.checkpoint).name}", [record], found.card)
    ahead = measured(separator, None, separator.sample_rate)
    if isinstance(ahead, str):
        raise RuntimeError(f"the look-ahead of {found.family} could not be measured: {ahead}")
    report = {
        "family": found.family,
        "sample_rate": separator.sample_rate,
        "sources": separator.sources,
        "latency_ms": separator.latency_ms,
        "params": analysis.params,
        "macs_per_second": analysis.macs_per_second,
        "causal": ahead.samples < separator.window,
        "hop": separator.hop,
        "segment": separator.segment,
        "out": str(ladder.folder),
        **as_report(ahead),
    }
    if args.json != "-":
        _print(report, [described(ahead), *found.notes])
    return report


def _print(report: dict[str, Any], sentences: Sequence[str]) -> None:
    print_trimmed(
        plain_console(),
        f"{report['out']}: {report['family']}, {report['sources']} sources at {report['sample_rate']} Hz, "
        f"{report['params'] / 1e6:.2f} M parameters, {report['macs_per_second'] / 1e6:.0f} M multiply-adds per second, "
        f"latency {report['latency_ms']:.2f} ms.\n"
        + "".join(f"{sentence}\n" for sentence in sentences)
        + "Give this folder as MODEL to analyze, prune, train and ladder, as LADDER to the other commands and the app.",
        highlight=False,
        soft_wrap=True,
    )
