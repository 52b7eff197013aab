"""``sepprune pack``: select training data into small files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..arguments import LARGEST_WHOLE, check_number
from ..files import check_destination
from ..printing import counted, plain_console

#: largest pack in megabytes, and most packs
_LARGEST_MB, _MOST_PARTS = 1_000_000, 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="data folder with a manifest.csv")
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE.pack",
        help="the pack to write; with --parts: FILE-1.pack, FILE-2.pack, ...; pass their folder as --data",
    )
    parser.add_argument("--megabytes", type=float, default=48.0, help="largest size of a pack")
    parser.add_argument("--parts", type=int, default=1, help="number of packs, which together hold more")
    parser.add_argument("--no-validation", action="store_true", help="leave out the validation recordings")
    parser.add_argument("--seed", type=int, default=0, help="of the selection")


def run(args: argparse.Namespace) -> dict[str, Any]:
    from ..data.collection import Collection
    from ..data.pack import write_packs

    check_number("--megabytes", args.megabytes, 0, _LARGEST_MB, above=True)
    check_number("--parts", args.parts, 1, _MOST_PARTS)
    check_number("--seed", args.seed, 0, LARGEST_WHOLE)
    out = Path(args.out)
    files = (
        [out] if args.parts == 1 else [out.with_name(f"{out.stem}-{part}.pack") for part in range(1, args.parts + 1)]
    )
    for file in files:
        check_destination("--out", str(file), (".pack",), made=[out.parent])
    report = write_packs(Collection(args.data), files, args.megabytes, args.seed, not args.no_validation)
    recordings, voices = counted(int(report["recordings"]), "recording"), counted(int(report["speakers"]), "voice")
    plain_console(stderr=args.json == "-").print(
        f"{', '.join(map(str, files))}: {report['bytes'] / 1e6:.1f} MB, {recordings} of {voices}"
    )
    return {"file": args.out, "files": [str(file) for file in files], **report}
