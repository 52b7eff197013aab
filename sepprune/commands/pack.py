"""``sepprune pack``: put training data into one small file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="data folder with a manifest.csv")
    parser.add_argument("--out", required=True, metavar="FILE", help="the pack to write")
    parser.add_argument("--megabytes", type=float, default=48.0, help="largest size of the pack")
    parser.add_argument("--seed", type=int, default=0, help="of the selection")


def run(args: argparse.Namespace) -> dict[str, Any]:
    from ..training.corpus import Collection
    from ..training.pack import write_pack

    report = write_pack(Collection(args.data), Path(args.out), args.megabytes, args.seed)
    Console(stderr=args.json == "-").print(
        f"{args.out}: {report['bytes'] / 1e6:.1f} MB, {report['recordings']} recordings of {report['speakers']} voices")
    return {"file": args.out, **report}
