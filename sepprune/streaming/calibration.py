"""Which backend and precision is fastest on this machine, level by level: measured once, then read from the cache."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..checked import MALFORMED, Table
from ..errors import UserError
from ..resources import asset
from .backends import COMPILED, available, backend_names, create_backend
from .beside import run_process
from .cache import cache_key, cached, forget, peek
from .ladder import Ladder
from .machine import load, machine
from .protocols import Samples
from .runner import LevelRunner, call_samples

#: how far the error of a precision must lie below the fp32 output, in dB: a voice that is separated to 15 dB then
#: loses less than 0.2 dB
AGREEMENT_DB = 30.0
#: a contender that is this much slower than the best is not tried at lighter levels
TOO_SLOW = 1.1
#: a contender replaces the usual choice if it needs at most this share of its time
WORTH_IT = 0.95
#: seconds of timing, all levels and contenders together, without compilation
SECONDS = 8.0
#: longest pause before a chunk that is timed, in seconds: caches and clock do not get much colder in a longer one
LONGEST_PAUSE_S = 0.01
#: chunks timed in one block, and chunks before them that run at once
_BLOCK, _LEAD_IN = 16, 4
_FILE, _LOAD_FILE = "trials.json", "load.json"
#: load per core above which other programs disturb a measurement; it is made again once the load is half of that
BUSY = 0.75
_MOST_TRIALS = 10_000


@dataclass(frozen=True)
class Trial:
    """One contender at one level.

    Args:
        level: its number.
        backend, precision: what computed.
        p50_ms: median chunk time.
        agreement_db: level of the fp32 output over the difference from it; infinite for fp32 itself.
        chosen: whether it computes this level from now on.
    """

    level: int
    backend: str
    precision: str
    p50_ms: float
    agreement_db: float
    chosen: bool = False


def _trial(stored: Table, levels: int) -> Trial:
    agreement = stored.data.get("agreement_db")  # JSON as Python writes it has infinity
    choice = stored.text("backend"), stored.text("precision")
    if choice[0] not in backend_names():
        raise stored.wrong("backend", f"one of {', '.join(backend_names())}")
    return Trial(
        stored.integer("level", 0, levels - 1),
        *choice,
        stored.number("p50_ms", 0),
        math.inf if agreement == math.inf else stored.number("agreement_db"),
        stored.data.get("chosen") is True,
    )


def default_choice() -> tuple[str, str]:
    """Backend and precision of a level that was not measured."""
    return backend_names()[0], "fp32"


def measured(ladder: Ladder, chunk: int, threads: int = 1) -> list[Trial] | None:
    """The result of an earlier :func:`calibrate` on this machine.

    ``None`` where there is none, or where the machine was busy then and is not now.
    """
    files = peek(_key(ladder, chunk, threads))
    if files is None or _was_disturbed(files):
        return None
    try:
        table = Table({"trials": json.loads(files[_FILE])}, "the cache", "measure again")
        return [_trial(trial, len(ladder.levels)) for trial in table.tables("trials", _MOST_TRIALS)]
    except MALFORMED:  # a UserError is one of them
        return None  # damaged, or of another version: it is measured again


def _was_disturbed(files: Mapping[str, bytes]) -> bool:
    """Whether other programs ran during a measurement, and run no longer."""
    try:
        before = Table(json.loads(files[_LOAD_FILE]), "the cache", "measure again").number("load", 0)
    except MALFORMED:
        return False  # not known
    now = load()
    return now is not None and before > BUSY * (os.cpu_count() or 1) and now < before / 2


def choices(trials: Iterable[Trial]) -> dict[int, tuple[str, str]]:
    """Backend and precision of every level that was measured."""
    return {trial.level: (trial.backend, trial.precision) for trial in trials if trial.chosen}


def discard(ladder: Ladder, chunk: int, threads: int = 1) -> None:
    """Remove the result of :func:`calibrate` from the cache."""
    forget(_key(ladder, chunk, threads))


def calibrate_beside(ladder: Ladder, chunk: int, threads: int, stop: Callable[[], bool]) -> list[Trial] | None:
    """:func:`calibrate` in a child process, so that it neither delays this one's threads nor occupies its memory.

    Args:
        ladder, chunk, threads: as :func:`calibrate` takes them.
        stop: asked now and then; true ends it.

    Returns:
        the trials, ``None`` where ``stop`` ended it.

    Raises:
        UserError: a level's files are damaged.
    """
    done = run_process(__name__, ladder.folder.absolute(), chunk, threads, stop=stop)
    return measured(ladder, chunk, threads) if done else None


def calibrate(ladder: Ladder, chunk: int, threads: int = 1, seconds: float = SECONDS) -> list[Trial]:
    """Time every backend and precision that works here, and store the result in the cache.

    Chunks are timed at the rate at which a microphone delivers them. Back to back they are faster, because weights and
    code stay in the processor's caches, and another contender may then be the fastest.

    All start at the dense level, in short blocks that take turns. One that is clearly slower than the best, or departs
    too far from fp32, is not tried at lighter levels: saving memory traffic gains less the fewer weights there are.
    Fp32 of the usual backend is tried at every level, eager torch only where no other backend is installed.

    Args:
        ladder: the levels.
        chunk: samples, whole hops.
        threads: that share a step.
        seconds: of timing altogether.

    Returns:
        one trial for each contender and level.
    """
    load_before = load()
    contenders = available(COMPILED) or [default_choice()]
    signal = _signal(ladder.sample_rate, chunk)
    trials: list[Trial] = []
    for level in ladder.levels:
        race = _Race(ladder, level.level, chunk, threads, contenders, signal)
        end = time.perf_counter() + seconds / len(ladder.levels)
        while race.rounds < 2 or time.perf_counter() < end:
            for contender in contenders:
                race.run(contender)
        found = race.trials()
        best = min(trial.p50_ms for trial in found if trial.chosen)
        contenders = [
            pair
            for trial in found
            if (pair := (trial.backend, trial.precision)) == default_choice()
            or trial.p50_ms <= TOO_SLOW * best
            and trial.agreement_db >= AGREEMENT_DB
        ]
        trials += found

    def save(folder: Path) -> None:
        (folder / _FILE).write_text(json.dumps([dataclasses.asdict(trial) for trial in trials]), encoding="utf-8")
        (folder / _LOAD_FILE).write_text(json.dumps({"load": load_before}), encoding="utf-8")

    discard(ladder, chunk, threads)
    cached(_key(ladder, chunk, threads), save)
    return trials


class _Race:
    """The contenders at one level."""

    def __init__(
        self,
        ladder: Ladder,
        level: int,
        chunk: int,
        threads: int,
        contenders: list[tuple[str, str]],
        signal: Samples,
    ) -> None:
        found, samples = ladder[level], call_samples(ladder, ladder[level], chunk)
        self._level, self._signal, self._pause = level, signal, min(chunk / ladder.sample_rate, LONGEST_PAUSE_S)
        self._runners = {
            pair: LevelRunner(found, create_backend(*pair, threads).compile(found, samples), ladder.hop, ladder.sources)
            for pair in contenders
        }
        self._times: dict[tuple[str, str], list[float]] = {pair: [] for pair in contenders}
        self._out = np.zeros((ladder.sources, chunk), np.float32)
        self.rounds = 0

    def run(self, contender: tuple[str, str]) -> None:
        runner, clock = self._runners[contender], time.perf_counter
        for part in self._signal[:_LEAD_IN]:
            runner.step(part, self._out)
        for part in self._signal[:_BLOCK]:
            time.sleep(self._pause)  # as the live worker does between two chunks
            started = clock()
            runner.step(part, self._out)
            self._times[contender].append(clock() - started)
        self.rounds = len(self._times[contender]) // _BLOCK

    def trials(self) -> list[Trial]:
        reference = self._separated(self._runners[default_choice()])
        agreements = {
            pair: math.inf if pair[1] == "fp32" else _agreement(reference, self._separated(runner))
            for pair, runner in self._runners.items()
        }
        medians = {pair: 1000 * float(np.median(times)) for pair, times in self._times.items()}
        best = min((pair for pair in medians if agreements[pair] >= AGREEMENT_DB), key=medians.__getitem__)
        if medians[best] > WORTH_IT * medians[default_choice()]:
            best = default_choice()
        return [Trial(self._level, *pair, medians[pair], float(agreements[pair]), pair == best) for pair in medians]

    def _separated(self, runner: LevelRunner) -> Samples:
        runner.reset()
        parts = []
        for part in self._signal:
            runner.step(part, self._out)
            parts.append(self._out.copy())
        return np.concatenate(parts, axis=1)


def _signal(sample_rate: int, chunk: int) -> Samples:
    """A second of the demo mixture, or of noise where that has another rate, ``(chunks, chunk)``."""
    import soundfile

    samples, rate = soundfile.read(asset("demo/mixture.flac"), sample_rate, dtype="float32")
    if rate != sample_rate:
        samples = (0.05 * np.random.default_rng(0).standard_normal(sample_rate)).astype(np.float32)
    return np.resize(samples, (max(_BLOCK, sample_rate // chunk), chunk))


def _agreement(reference: Samples, output: Samples) -> float:
    """Level of a signal over its difference from another, in dB."""
    error = float(np.square(output - reference, dtype=np.float64).sum())
    return 10 * math.log10(float(np.square(reference, dtype=np.float64).sum()) / error) if error else math.inf


def _key(ladder: Ladder, chunk: int, threads: int) -> str:
    """Trials are valid for a machine with its libraries, the ladder's weights, the chunk and the number of threads."""
    fields = [field.name for field in dataclasses.fields(Trial)]  # trials of another version cannot be read
    return cache_key(
        "calibration",
        "paced",
        repr(fields),
        json.dumps(machine(), sort_keys=True),
        chunk,
        threads,
        *(level.sha256 for level in ladder.levels),
        *(level.plan_sha256 for level in ladder.levels),
    )


def main() -> None:
    """The program that :func:`calibrate_beside` starts. When it is ended, it ends a conversion that it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if hasattr(os, "nice"):
        os.nice(10)
    folder, chunk, threads = sys.argv[1:]
    try:
        calibrate(Ladder.load(folder), int(chunk), int(threads))
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
