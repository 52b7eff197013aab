"""Two levels side by side on the demo mixture, one of them heard at random, and writes blind.json.

    python -m experiments.blind.blind [CHANGES]

Measured, for pairs of levels in the order of random changes every 0.6 s:

- processor time of a chunk with one level, and with both at once, back to back: it hardly depends on
  other programs, unlike elapsed time
- swaps: changes of level around which the heard voices exchange sides, judged by the demo's reference voices as in
  `experiments.switches`; a swap counts against the change only if neither level swaps there when it runs alone
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.side_by_side import SideBySide
from sepprune.streaming import Ladder, StreamingSeparator
from sepprune.streaming.machine import load, machine

from ..common import run_script
from ..live import CHUNK_MS, demo, quiet_collector
from ..switches.switches import _swaps

Samples = NDArray[np.float32]
PAIRS = ((0, 4), (0, 7))
#: seconds between two changes, and chunks that are timed
BETWEEN, TIMED = 0.6, 5000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("changes", nargs="?", type=int, default=500, help="changes to the other level (default: 500)")
    changes = parser.parse_args().changes
    ladder = Ladder.load(None)
    mixture = demo("mixture", ladder.sample_rate, changes * BETWEEN + 2.0)
    seconds = mixture.size / ladder.sample_rate
    quiet_collector()
    alone = {level: _alone(ladder, level, mixture) for level in sorted({level for pair in PAIRS for level in pair})}
    voices = np.stack([np.roll(demo(name, ladder.sample_rate, seconds), ladder.delay) for name in ("voice1", "voice2")])
    rows = []
    for pair in PAIRS:
        heard, moments = _blind(ladder, pair, mixture, changes)
        swaps = _swaps(heard, moments, voices, ladder.sample_rate)
        single = [_swaps(alone[level], moments, voices, ladder.sample_rate) for level in pair]
        rows.append(
            {
                "pair": pair,
                **_cost(ladder, pair, mixture),
                "changes": len(moments),
                "swaps": sum(swaps),
                "swaps_of_levels_alone": [sum(one) for one in single],
                "swaps_by_changes": sum(
                    here and not (one or other) for here, one, other in zip(swaps, *single, strict=True)
                ),
            }
        )
        print(json.dumps(rows[-1]))
    report = {"machine": machine() | {"load": load()}, "chunk_ms": CHUNK_MS, "seconds": seconds, "pairs": rows}
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _alone(ladder: Ladder, level: int, mixture: Samples) -> Samples:
    with StreamingSeparator(ladder, level, CHUNK_MS) as stream:
        return _run(stream, mixture, lambda index: None)


def _cost(ladder: Ladder, pair: tuple[int, int], mixture: Samples) -> dict[str, Any]:
    """Processor time of both at once and of each alone, measured in turn chunk by chunk, so that all meet one load."""
    both = SideBySide(ladder, pair, CHUNK_MS)
    both.hear(0)
    streams: list[SideBySide | StreamingSeparator] = [
        both,
        *(StreamingSeparator(ladder, level, CHUNK_MS) for level in pair),
    ]
    times = np.zeros((TIMED, len(streams)))
    for row, chunk in zip(times, mixture.reshape(-1, both.chunk), strict=False):
        for number, stream in enumerate(streams):
            started = time.thread_time()
            stream.step(chunk)
            row[number] = time.thread_time() - started
            stream.settle()
    for stream in streams:
        stream.close()
    return {"both": _summary(times[:, 0]), "alone": [_summary(column) for column in times[:, 1:].T]}


def _blind(ladder: Ladder, pair: tuple[int, int], mixture: Samples, changes: int) -> tuple[Samples, NDArray[np.int64]]:
    """What is heard, and the sample of every change to the other level."""
    every, moments = round(1000 * BETWEEN / CHUNK_MS), list[int]()
    both = SideBySide(ladder, pair, CHUNK_MS)
    both.hear(0)

    def change(index: int) -> None:
        if index and index % every == 0 and len(moments) < changes:
            moments.append(index * both.chunk)
            both.hear(len(moments) % 2)

    heard = _run(both, mixture, change)
    both.close()
    return heard, np.array(moments)


def _run(stream: SideBySide | StreamingSeparator, mixture: Samples, before: Callable[[int], None]) -> Samples:
    parts = []
    for index, chunk in enumerate(mixture.reshape(-1, stream.chunk)):
        before(index)
        parts.append(stream.step(chunk))
        stream.settle()
    return np.concatenate(parts, axis=1)


def _summary(times: NDArray[np.float64]) -> dict[str, float]:
    p50, p99 = 1000 * np.percentile(times, [50, 99])
    return {"p50_ms": round(float(p50), 4), "p99_ms": round(float(p99), 4)}


if __name__ == "__main__":
    run_script(main)
