"""Read damaged and hostile files with every reader: ``python -m tests.fuzz --cases 1000000``.

Each reader may read a file, or refuse it in one sentence. Everything else is a failure: another exception, a crash,
more than 2 seconds, 1 GB of memory. The same seed gives the same files. With --keep, what fails is tried first from
then on.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from .campaign import campaign, content_of, keep
from .readers import readers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", action="append", default=[], help="only this one; may be given several times")
    parser.add_argument("--keep", action="store_true", help="keep what fails, so that it is tried from now on")
    parser.add_argument("--report", metavar="FILE", help="write the figures as JSON")
    args = parser.parse_args()
    began = time.perf_counter()
    outcomes = campaign(args.cases, args.seed, args.reader)
    for one in outcomes:
        print(
            f"{one.name}: {one.cases} files, {one.refused} refused in a sentence, {len(one.failures)} failures, "
            f"slowest {1000 * one.slowest_s:.0f} ms, memory {one.peak_bytes / 1e6:.0f} MB"
        )
        for label, problem in one.failures[:5]:
            print(f"  {label}: {problem}")
    failures = sum(len(one.failures) for one in outcomes)
    print(f"{sum(one.cases for one in outcomes)} files, {failures} failures, seed {args.seed}")
    if args.keep and failures:
        with tempfile.TemporaryDirectory() as name:
            found = {one.name: one for one in readers(Path(name))}
            for one in outcomes:
                unlike = {problem.split(" in ")[-1]: label for label, problem in one.failures if label.isdecimal()}
                for label in unlike.values():
                    print(f"kept {keep(found[one.name], content_of(found[one.name], args.seed, int(label)))}")
    if args.report:
        facts = {
            "cases": sum(one.cases for one in outcomes),
            "seed": args.seed,
            "failures": failures,
            "seconds": round(time.perf_counter() - began, 1),
            "readers": [asdict(one) for one in outcomes],
        }
        Path(args.report).write_text(json.dumps(facts, indent=2) + "\n")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
