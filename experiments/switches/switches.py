"""Changes levels at random while the demo mixture streams at live speed, and writes switches.json.

    python -m experiments.switches.switches [SWITCHES] [SECONDS_BETWEEN]

Measured:

- lost or repeated samples: the output must be as long as the input, and its end aligned with the dense level's output
- jumps: the largest difference of neighbouring samples, against that of streams that never change level
- late chunks, against those of one minute without changes, since other programs use the machine, too
- time from a request until only the new level is audible
- swaps: level changes around which the two outputs exchange voices, judged by the demo's reference voices. Every level
  swaps voices now and then; a swap counts against the change only if neither the level before nor the level after swaps
  there when it runs alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sepprune.streaming import Ladder, StreamingSeparator
from sepprune.streaming.machine import load, machine

from ..common import run_script
from ..live import CHUNK_MS, demo, quiet_collector

Samples = NDArray[np.float32]
#: length of the stream without changes that is timed for comparison
CALM_SECONDS = 60
#: share of the energy by which one order of the voices must fit better than the other
CLEAR = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("switches", nargs="?", type=int, default=200, help="number of level changes (default: 200)")
    parser.add_argument("between", nargs="?", type=float, default=0.2, help="seconds between two (default: 0.2)")
    args = parser.parse_args()
    run(args.switches, args.between)


def run(switches: int, between: float) -> None:
    """Stream with and without level changes, and write the report."""
    ladder = Ladder.load(None)
    mixture = demo("mixture", ladder.sample_rate, switches * between + 1.0)
    steady = {level.level: _steady(ladder, level.level, mixture) for level in ladder.levels}
    sys.setswitchinterval(0.0005)  # as the live engine does
    with StreamingSeparator(ladder, 0, CHUNK_MS) as stream:
        stream.prepare()
        _, calm, _, _ = _live(stream, mixture[: CALM_SECONDS * ladder.sample_rate], 0, between, 1)
        stream.reset()
        choices = stream.choices
        streamed, times, levels, waits = _live(stream, mixture, switches, between, len(ladder.levels))
    moments = (np.flatnonzero(np.diff(levels)) + 1) * stream.chunk
    seconds = mixture.size / ladder.sample_rate
    voices = np.stack([np.roll(demo(name, ladder.sample_rate, seconds), stream.delay) for name in ("voice1", "voice2")])
    own = max(_largest_step(sources) for sources in steady.values())
    swaps = _swaps(streamed, moments, voices, ladder.sample_rate)
    alone = {level: _swaps(sources, moments, voices, ladder.sample_rate) for level, sources in steady.items()}
    chunks = moments // stream.chunk
    either = [
        alone[before][index] or alone[after][index]
        for index, (before, after) in enumerate(zip(levels[chunks - 1], levels[chunks], strict=True))
    ]
    report = {
        "machine": machine() | {"load": load()},
        "computed_by": [" ".join(pair) for pair in choices],
        "switches_asked": switches,
        "seconds": seconds,
        "level_changes_heard": int(np.count_nonzero(np.diff(levels))),
        "samples_in": int(mixture.size),
        "samples_out": int(streamed.shape[1]),
        "shift_at_the_end": _shift(streamed[:, -ladder.sample_rate :], steady[0][:, -ladder.sample_rate :]),
        "largest_step": _largest_step(streamed),
        "largest_step_of_steady_levels": own,
        "late_chunks": int(np.count_nonzero(times > CHUNK_MS / 1000)),
        "chunks": len(times),
        "p50_ms": 1000 * float(np.median(times)),
        "p99_ms": 1000 * float(np.percentile(times, 99)),
        "max_ms": 1000 * float(times.max()),
        "without_changes": {
            "late_chunks": int(np.count_nonzero(calm > CHUNK_MS / 1000)),
            "chunks": len(calm),
            "p99_ms": 1000 * float(np.percentile(calm, 99)),
            "max_ms": 1000 * float(calm.max()),
        },
        "request_to_new_level_ms": {"p50": float(np.median(waits)), "max": float(np.max(waits))},
        "swaps": sum(swaps),
        "swaps_of_steady_levels": [sum(each) for each in alone.values()],
        "swaps_by_changes": sum(here and not there for here, there in zip(swaps, either, strict=True)),
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def _steady(ladder: Ladder, level: int, mixture: Samples) -> Samples:
    """Output of one level without changes, ``(sources, samples)``."""
    with StreamingSeparator(ladder, level, CHUNK_MS) as stream:
        return np.concatenate([stream.step(chunk) for chunk in mixture.reshape(-1, stream.chunk)], axis=1)


def _live(
    stream: StreamingSeparator, mixture: Samples, switches: int, between: float, count: int
) -> tuple[Samples, NDArray[np.float64], NDArray[np.int64], list[float]]:
    """Stream at live speed and choose one of ``count`` levels at random every ``between`` seconds.

    Returns:
        Sources, seconds per chunk, level per chunk, and milliseconds from each request to its end.
    """
    random, chunks = np.random.default_rng(0), mixture.reshape(-1, stream.chunk)
    duration, parts = stream.chunk / stream.sample_rate, []
    times: list[float] = []
    levels: list[int] = []
    waits: list[float] = []
    every, asked, since = round(between / duration), 0, 0.0
    quiet_collector()
    started = time.perf_counter()
    for index, chunk in enumerate(chunks):
        time.sleep(max(0.0, started + index * duration - time.perf_counter()))
        if index % every == 0 and asked < switches:
            stream.set_level(int(random.choice([level for level in range(count) if level != stream.target_level])))
            asked, since = asked + 1, time.perf_counter()
        before = time.perf_counter()
        parts.append(stream.step(chunk))
        times.append(time.perf_counter() - before)
        stream.settle()
        levels.append(stream.level)
        if since and not stream.transitioning:
            waits.append(1000 * (time.perf_counter() - since))
            since = 0.0
    gc.enable()
    return np.concatenate(parts, axis=1), np.array(times), np.array(levels), waits


def _largest_step(sources: Samples) -> float:
    return float(np.abs(np.diff(sources, axis=1)).max())


def _shift(sources: Samples, reference: Samples, reach: int = 256) -> int:
    """Delay of ``sources`` against ``reference`` in samples, by correlation of the sum of both voices."""
    one, other = sources.sum(axis=0), reference.sum(axis=0)
    inner = slice(reach, -reach)
    return max(range(-reach, reach + 1), key=lambda lag: float(np.roll(one, -lag)[inner] @ other[inner]))


def _swaps(sources: Samples, moments: NDArray[np.int64], voices: Samples, rate: int) -> list[bool]:
    """For each moment (a sample index), whether the outputs exchange voices around it, judged by the reference voices.

    Compares the half second that ends 0.25 s before the moment with the half second that begins 0.25 s after it. In
    both, one order must fit better than the other by :data:`CLEAR`.
    """

    def side(start: int, end: int) -> float:
        part, true = sources[:, max(0, start) : end], voices[:, max(0, start) : end]
        return float(np.sum(part * true) - np.sum(part * true[::-1])) / float(np.sum(part**2) + np.sum(true**2) + 1e-9)

    def swapped(now: int) -> bool:
        before, after = side(now - 3 * rate // 4, now - rate // 4), side(now + rate // 4, now + 3 * rate // 4)
        return before * after < 0 and min(abs(before), abs(after)) > CLEAR

    return [swapped(int(now)) for now in moments]


if __name__ == "__main__":
    run_script(main)
