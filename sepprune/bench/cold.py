"""The cold floor under a level's chunk time at live pace: one pass over its weights from outside the caches."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from ..streaming import Ladder

#: bytes of a weight, by precision of a backend
BYTES = {"fp32": 4, "bf16": 2, "int8": 1}

#: more than the caches that one core of a usual processor can fill, in bytes
CACHES = 128 * 2**20

#: passes over each array of weights
PASSES = 15


def cold_floors(
    ladder: Ladder, wanted: Iterable[tuple[int, str]], passes: int = PASSES, caches: int = CACHES
) -> dict[tuple[int, str], float]:
    """Median milliseconds of one pass over the weights of levels, each time after other data has filled the caches.

    Between two chunks of a live stream other programs use the caches. A step that finds none of its weights there
    takes at least this long, whatever it computes. Its code comes on top.

    Args:
        ladder: the levels.
        wanted: pairs of level number and precision.
        passes: over the weights of each pair; the pairs take turns.
        caches: bytes that are read before each pass.

    Returns:
        The median by pair.
    """
    other = np.ones(caches // 8, np.uint64)
    weights = {
        pair: np.ones(-(-ladder[pair[0]].params * BYTES[pair[1]] // 8), np.uint64) for pair in dict.fromkeys(wanted)
    }
    found: dict[tuple[int, str], list[float]] = {pair: [] for pair in weights}
    for _ in range(passes):
        for pair, array in weights.items():
            other += 1  # reads and writes: what was there before is evicted
            started = time.perf_counter()
            np.add.reduce(array)
            found[pair].append(time.perf_counter() - started)
    return {pair: 1000 * float(np.median(times)) for pair, times in found.items()}
