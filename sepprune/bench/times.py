"""Chunk times of every level, chunk and backend, against the bare multiply-adds."""

from __future__ import annotations

import gc
import os
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..streaming import Ladder, StreamingSeparator
from ..streaming.machine import load, machine
from ..streaming.runner import call_samples

if TYPE_CHECKING:
    from torch import nn

#: chunks timed in one go, and chunks before them that bring the level back into the processor's caches
BLOCK, LEAD_IN = 32, 8


def bench(
    ladder: Ladder,
    levels: Sequence[int],
    seconds: float,
    chunk_ms: Sequence[float],
    backends: Sequence[tuple[str, str]],
    threads: Sequence[int] = (1,),
    advance: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Time :meth:`StreamingSeparator.step`, and the floor under it.

    Upkeep of segments, which the live engine does after it has handed a chunk on (``settle``), is a column of its own;
    the real-time factor includes it.

    Levels, backends and floors of one chunk duration take turns in short blocks, so that a disturbance hits all of
    them alike.

    Args:
        ladder: the levels.
        levels: level numbers.
        seconds: of audio for each row.
        chunk_ms: chunk durations, each rounded up to whole hops.
        backends: pairs of backend and precision.
        threads: that share a step, one number after the other. The floor is always that of one.
        advance: called with the share of the work that is done.

    Returns:
        ``machine`` and ``rows``, the JSON object of ``sepprune bench``.
    """
    rows: list[dict[str, Any]] = []
    for index, duration in enumerate(chunk_ms):
        rows += _bench_chunk(
            ladder,
            levels,
            seconds,
            duration,
            backends,
            threads,
            lambda share, done=index: advance((done + share) / len(chunk_ms)),
        )
    return {"machine": machine() | {"load": load()}, "rows": rows}


def matrix_products(module: nn.Module, samples: int) -> list[tuple[int, int, int]]:
    """The multiply-adds of one step as matrix products ``(rows, inner, columns)``, columns being frames.

    A depthwise convolution counts as one product of as many multiply-adds: by itself it would be no matrix product.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    products: list[tuple[int, int, int]] = []

    class Recorder(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            name = function.overloadpacket.__name__
            if name == "convolution":
                given, weight, transposed, groups = args[0], args[1], args[6], args[8]
                frames = given.shape[0] * (given if transposed else result).shape[-1]
                if groups > 1:
                    products.append((weight.shape[0], weight[0].numel(), frames))
                else:
                    products.append(
                        (weight[0].numel(), weight.shape[0], frames)
                        if transposed
                        else (weight.shape[0], weight[0].numel(), frames)
                    )
            elif name in ("mm", "addmm"):
                first, second = args[-2:]
                products.append((second.shape[1], second.shape[0], first.shape[0]))
            elif name == "bmm":
                products.extend([(args[1].shape[2], args[1].shape[1], args[0].shape[1])] * args[0].shape[0])
            return result

    # without mkldnn an LSTM falls apart into the matrix products that it is made of
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that flag warns about other people's GPUs
        with torch.backends.mkldnn.flags(enabled=False), Recorder():
            module.step(torch.zeros(1, samples), module.initial_state(1))
    return products


def _bench_chunk(
    ladder: Ladder,
    levels: Sequence[int],
    seconds: float,
    chunk_ms: float,
    backends: Sequence[tuple[str, str]],
    threads: Sequence[int],
    advance: Callable[[float], None],
) -> list[dict[str, Any]]:
    from threadpoolctl import threadpool_limits

    keys = [(level, *backend, count) for level in levels for backend in backends for count in threads]
    streams = {key: StreamingSeparator(ladder, key[0], chunk_ms, *key[1:]) for key in keys}
    chunk = streams[keys[0]].chunk
    floors = {level: _floor(ladder, level, chunk) for level in levels}
    noise = (np.random.default_rng(0).standard_normal((BLOCK, chunk)) * 0.05).astype(np.float32)
    times: dict[Any, list[float]] = {key: [] for key in (*keys, *floors)}
    upkeep: dict[Any, list[float]] = {key: [] for key in keys}
    clock = time.perf_counter
    rounds = max(2, round(seconds * ladder.sample_rate / chunk / BLOCK))
    gc.collect()
    gc.disable()
    limits = threadpool_limits(1, user_api="blas")  # of the floor
    try:
        for count in range(rounds):
            for key, stream in streams.items():
                for part in noise[:LEAD_IN]:
                    stream.step(part)
                for part in noise:
                    started = clock()
                    stream.step(part)
                    done = clock()
                    stream.settle()
                    times[key].append(done - started)
                    upkeep[key].append(clock() - done)
            for level, floor in floors.items():
                for _ in range(LEAD_IN):
                    floor()
                for _ in range(BLOCK):
                    started = clock()
                    floor()
                    times[level].append(clock() - started)
            advance((count + 1) / rounds)
    finally:
        limits.restore_original_limits()
        gc.enable()
    for stream in streams.values():
        stream.close()
    return [
        _row(ladder, key, chunk, np.array(times[key][BLOCK:]), np.array(upkeep[key][BLOCK:]), times[key[0]][BLOCK:])
        for key in keys
    ]


def _row(
    ladder: Ladder,
    key: tuple[int, str, str, int],
    chunk: int,
    times: np.ndarray,
    upkeep: np.ndarray,
    floor: Sequence[float],
) -> dict[str, Any]:
    level, backend, precision, threads = key
    p50, p95, p99, largest = (float(value) for value in 1000 * np.percentile(times, (50, 95, 99, 100)))
    chunk_ms = 1000 * chunk / ladder.sample_rate
    return {
        "level": level,
        "backend": backend,
        "precision": precision,
        "chunk_ms": chunk_ms,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "max_ms": largest,
        "rtf": 1000 * float((times + upkeep).mean()) / chunk_ms,
        "macs_per_second": ladder[level].macs_per_second,
        "floor_ms": 1000 * float(np.median(floor)),
        "upkeep_ms": 1000 * float(np.percentile(upkeep, 99.5)),
        "threads": threads,
        "chunks": len(times),
    }


def _floor(ladder: Ladder, level: int, chunk: int) -> Callable[[], None]:
    """A chunk's multiply-adds and nothing else: matrix products of the level's shapes, each with weights of its own.

    By numpy's BLAS: torch takes longer over products this small, and a floor must not be higher than it has to.
    """
    samples = call_samples(ladder, ladder[level], chunk)
    random = np.random.default_rng(0)
    operands = [
        (
            random.standard_normal((rows, inner), np.float32),
            random.standard_normal((inner, columns), np.float32),
            np.empty((rows, columns), np.float32),
        )
        for rows, inner, columns in matrix_products(ladder.build(level), samples)
    ]
    calls = range(chunk // samples)

    def run() -> None:
        for _ in calls:
            for weight, given, out in operands:
                np.matmul(weight, given, out=out)

    return run


def plot(report: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Draw chunk time against multiply-adds, one panel a chunk duration, the floor in black."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    durations = sorted({row["chunk_ms"] for row in report["rows"]})
    figure = Figure(figsize=(5.5 * len(durations), 4.5), layout="constrained")
    for axes, duration in zip(np.atleast_1d(figure.subplots(1, len(durations))), durations, strict=True):
        rows = [row for row in report["rows"] if row["chunk_ms"] == duration]
        for name in dict.fromkeys(contender(row) for row in rows):
            line = sorted((row for row in rows if contender(row) == name), key=lambda row: row["macs_per_second"])
            axes.plot([row["macs_per_second"] / 1e6 for row in line], [row["p50_ms"] for row in line], "o-", label=name)
        line = sorted({(row["macs_per_second"] / 1e6, row["floor_ms"]) for row in rows})
        axes.plot(*zip(*line, strict=True), "ks--", label="floor: bare matrix products")
        axes.set(
            title=f"{duration:g} ms chunks",
            xlabel="million multiply-adds per second of audio",
            ylabel="median chunk time (ms)",
            xscale="log",
            yscale="log",
        )
        axes.xaxis.set(
            minor_locator=NullLocator(),
            major_locator=FixedLocator([cost for cost, _ in line]),
            major_formatter=FuncFormatter(lambda cost, _: f"{cost:.0f}"),
        )
        axes.yaxis.set(
            minor_locator=NullLocator(),
            major_locator=LogLocator(subs=(1, 2, 5)),
            major_formatter=FuncFormatter(lambda time, _: f"{time:g}"),
        )
        axes.grid(alpha=0.3)
        axes.legend(loc="upper left", fontsize="small")
        axes.margins(y=0.25)
    figure.suptitle(report["machine"]["processor"])
    figure.savefig(Path(path), dpi=120)


def contender(row: dict[str, Any]) -> str:
    """What computed a row."""
    return f"{row['backend']} {row['precision']}" + (f", {row['threads']} threads" if row["threads"] > 1 else "")
