"""The levels of a ladder, each compiled when it is first needed, by the backend that is fastest for it here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ..errors import UserError
from .backends import create_backend
from .calibration import Trial, calibrate_beside, choices, measured
from .ladder import Ladder, Level
from .protocols import Backend, CompiledStep
from .runner import LevelRunner, call_samples


class CompiledLevels:
    """Opens runners of a ladder's levels. Any thread may use it.

    Args:
        ladder: the levels.
        chunk: samples, whole hops.
        backend, precision, threads: as :class:`~sepprune.streaming.StreamingSeparator` takes them.

    Raises:
        UserError: the backend or precision is not possible here.
    """

    def __init__(self, ladder: Ladder, chunk: int, backend: str, precision: str, threads: int = 1) -> None:
        self._ladder, self._chunk, self._threads = ladder, chunk, threads
        self.automatic = backend == precision == "auto"
        #: measurements, which automatic choices follow
        self.trials: list[Trial] = (measured(ladder, chunk, threads) or []) if self.automatic else []
        usual = create_backend(backend, "fp32" if precision == "auto" else precision, threads)
        self._usual = usual.name, usual.precision
        self._backends: dict[tuple[str, str], Backend] = {self._usual: usual}
        self._compiled: dict[int, tuple[tuple[str, str], CompiledStep]] = {}
        #: level -> unused runners; taking from a list and adding to it need no lock
        self._idle: list[list[LevelRunner]] = [[] for _ in ladder.levels]
        self._locks = [threading.Lock() for _ in ladder.levels]  # several levels can compile at a time, but none twice

    def choice(self, level: int) -> tuple[str, str]:
        """Backend and precision with which a level is opened next."""
        return choices(self.trials).get(level, self._usual)

    def open(self, level: int) -> LevelRunner:
        """A runner that starts from silence.

        Raises:
            UserError: the ladder has no such level, or its files are damaged.
        """
        found = self._ladder[level]
        by, step = self.compile(found)
        with suppress(IndexError):
            while True:
                runner = self._idle[found.level].pop()
                if runner.by == by:  # else it was made before a calibration
                    runner.reset()
                    return runner
        return LevelRunner(found, step, self._ladder.hop, self._ladder.sources, by)

    def give_back(self, runner: LevelRunner) -> None:
        """Keep a runner for the next time that its level is opened.

        Making one, or freeing its memory, exceeds the deadline of a chunk and holds the GIL. The audio thread does
        neither.
        """
        self._idle[runner.level.level].append(runner)

    def prepare(self, stop: Callable[[], bool], quick: bool = False) -> None:
        """Compile and open every level. A damaged one is left out: opening it raises the error.

        Args:
            stop: asked before every level; true ends the preparation.
            quick: leave out levels that must be converted first, and compile two at a time.
        """

        def compile_one(level: Level) -> None:
            samples = call_samples(self._ladder, level, self._chunk)
            with suppress(UserError):
                if not stop() and (not quick or self._backend(level).is_converted(level, samples)):
                    self.give_back(self.open(level.level))

        if quick:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(compile_one, self._ladder.levels))
        else:
            for level in self._ladder.levels:
                compile_one(level)

    def calibrate(self, stop: Callable[[], bool]) -> list[Trial]:
        """Measure what is fastest here, and compile all levels accordingly.

        Args:
            stop: asked now and then; true ends it.

        Raises:
            UserError: a level's files are damaged.
        """
        self.trials = calibrate_beside(self._ladder, self._chunk, self._threads, stop) or self.trials
        self.prepare(stop)
        return self.trials

    def clear(self) -> None:
        """Drop all that was compiled."""
        self._compiled.clear()
        for runners in self._idle:
            runners.clear()

    def compile(self, level: Level) -> tuple[tuple[str, str], CompiledStep]:
        """Backend and precision of a level, and its compiled step. Quick after the first time."""
        with self._locks[level.level]:
            choice = self.choice(level.level)
            if level.level not in self._compiled or self._compiled[level.level][0] != choice:
                step = self._backend(level).compile(level, call_samples(self._ladder, level, self._chunk))
                self._compiled[level.level] = choice, step
            return self._compiled[level.level]

    def _backend(self, level: Level) -> Backend:
        choice = self.choice(level.level)
        if choice not in self._backends:
            self._backends.setdefault(choice, create_backend(*choice, self._threads))
        return self._backends[choice]
