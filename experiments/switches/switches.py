"""Changes levels at random while the demo mixture streams at live speed, and writes what was heard to switches.json.

    python docs/switches.py [SWITCHES] [SECONDS_BETWEEN]

What counts: samples that are missing or repeated (as many come out as go in, and the end of what is heard lies where
the end of the dense level's output lies), the largest step from one sample to the next against that of streams which
never change level, chunks that took longer than the deadline (beside those of a minute in which nothing is changed:
the machine has other things to do, too), the time from a request until nothing but the new level is heard, and swaps:
changes around which the voices change sides, by what the two people of the demo mixture really said, beside those of
streams which never change level at the same moments. Every level mixes voices up now and then; what changing levels
is to blame for are swaps around a change that neither the level before nor the level after makes when it runs alone.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from sepprune.resources import asset
from sepprune.streaming import Ladder, StreamingSeparator
from sepprune.streaming.files import read_mono
from sepprune.streaming.machine import load, machine

CHUNK_MS = 8.0
#: of the stream without changes that is timed for comparison
CALM_SECONDS = 60
#: by how much, of all energy, one order of the voices must fit better to count
CLEAR = 0.1


def main(switches: int = 200, between: float = 0.2) -> None:
    ladder = Ladder.load(None)
    mixture = _mixture(ladder.sample_rate, switches * between + 1.0)
    steady = {level.level: _steady(ladder, level.level, mixture) for level in ladder.levels}
    sys.setswitchinterval(0.0005)  # as the live engine does
    with StreamingSeparator(ladder, 0, CHUNK_MS) as stream:
        stream.prepare()
        _, calm, _, _ = _live(stream, mixture[: CALM_SECONDS * ladder.sample_rate], 0, between, 1)
        stream.reset()
        choices = stream.choices
        heard, times, levels, waits = _live(stream, mixture, switches, between, len(ladder.levels))
    moments = (np.flatnonzero(np.diff(levels)) + 1) * stream.chunk
    voices = np.stack(
        [np.roll(_repeated(name, ladder.sample_rate, mixture.size), stream.delay) for name in ("voice1", "voice2")]
    )
    own = max(_largest_step(sources) for sources in steady.values())
    turned = _turned(heard, moments, voices, ladder.sample_rate)
    alone = {level: _turned(sources, moments, voices, ladder.sample_rate) for level, sources in steady.items()}
    chunks = moments // stream.chunk
    either = [
        alone[before][index] or alone[after][index]
        for index, (before, after) in enumerate(zip(levels[chunks - 1], levels[chunks], strict=True))
    ]
    report = {
        "machine": machine() | {"load": load()},
        "computed_by": [" ".join(pair) for pair in choices],
        "switches_asked": switches,
        "seconds": mixture.size / ladder.sample_rate,
        "level_changes_heard": int(np.count_nonzero(np.diff(levels))),
        "samples_in": int(mixture.size),
        "samples_out": int(heard.shape[1]),
        "shift_at_the_end": _shift(heard[:, -ladder.sample_rate :], steady[0][:, -ladder.sample_rate :]),
        "largest_step": _largest_step(heard),
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
        "swaps": sum(turned),
        "swaps_of_steady_levels": [sum(each) for each in alone.values()],
        "swaps_by_changes": sum(here and not there for here, there in zip(turned, either, strict=True)),
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def _mixture(rate: int, seconds: float) -> np.ndarray:
    """The demo mixture over and over, whole chunks."""
    chunk = round(rate * CHUNK_MS / 1000)
    return _repeated("mixture", rate, round(seconds * rate) // chunk * chunk)


def _repeated(name: str, rate: int, samples: int) -> np.ndarray:
    return np.resize(read_mono(asset(f"demo/{name}.flac"), rate)[0], samples).astype(np.float32)


def _steady(ladder: Ladder, level: int, mixture: np.ndarray) -> np.ndarray:
    """What a level gives when nothing is changed."""
    with StreamingSeparator(ladder, level, CHUNK_MS) as stream:
        return np.concatenate([stream.step(chunk) for chunk in mixture.reshape(-1, stream.chunk)], axis=1)


def _live(
    stream: StreamingSeparator, mixture: np.ndarray, switches: int, between: float, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[float]]:
    """Chunks at the pace of a microphone; a level drawn at random every ``between`` seconds."""
    random, chunks = np.random.default_rng(0), mixture.reshape(-1, stream.chunk)
    duration, parts, times, levels = stream.chunk / stream.sample_rate, [], [], []
    every, asked, since, waits = round(between / duration), 0, 0.0, []
    gc.collect()
    gc.freeze()
    gc.disable()
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


def _largest_step(sources: np.ndarray) -> float:
    return float(np.abs(np.diff(sources, axis=1)).max())


def _shift(sources: np.ndarray, reference: np.ndarray, reach: int = 256) -> int:
    """Samples by which ``sources`` lie behind ``reference``, by correlation of the sum of both voices."""
    one, other = sources.sum(axis=0), reference.sum(axis=0)
    inner = slice(reach, -reach)
    return max(range(-reach, reach + 1), key=lambda lag: float(np.roll(one, -lag)[inner] @ other[inner]))


def _turned(sources: np.ndarray, moments: np.ndarray, voices: np.ndarray, rate: int) -> list[bool]:
    """Around which moments the voices change sides, by what the two people really said.

    Half a second before and half a second after are compared, from a quarter of a second on either side; both have to
    be clear.
    """

    def side(start: int, end: int) -> float:
        part, said = sources[:, max(0, start) : end], voices[:, max(0, start) : end]
        return float(np.sum(part * said) - np.sum(part * said[::-1])) / float(np.sum(part**2) + np.sum(said**2) + 1e-9)

    def turns(now: int) -> bool:
        before, after = side(now - 3 * rate // 4, now - rate // 4), side(now + rate // 4, now + 3 * rate // 4)
        return before * after < 0 and min(abs(before), abs(after)) > CLEAR

    return [turns(int(now)) for now in moments]


if __name__ == "__main__":
    given: list[Any] = [kind(word) for kind, word in zip((int, float), sys.argv[1:], strict=False)]
    main(*given)
