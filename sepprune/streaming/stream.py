"""The stream: chunks of a mixture in, chunks of its sources out, levels changed while it runs."""

from __future__ import annotations

import numpy as np

from ..errors import UserError
from .beside import program_ends
from .calibration import Trial
from .compiled import CompiledLevels
from .history import History
from .ladder import Ladder
from .protocols import Samples
from .runner import LevelRunner
from .switching import Crossfade, WarmUp

#: seconds of recent input that a new level separates before it is heard
HISTORY_SECONDS = 4.0
#: seconds of the crossfade from one level to another
CROSSFADE_SECONDS = 0.020
#: full scale is 1; no sample beyond this reaches a separator
LARGEST = 16.0


class StreamingSeparator:
    """Separates a live mixture chunk by chunk.

    :meth:`step` belongs to one thread, the audio thread; :meth:`set_level` may be called from any.

    Args:
        ladder: the levels.
        level: the one to start with.
        chunk_ms: chunk duration, rounded up to whole hops; :attr:`chunk` is the result.
        backend: ``openvino``, ``onnxruntime``, ``torch``, ``cuda`` or ``auto``.
        precision: ``fp32``; ``bf16`` or ``int8`` where backend and processor have it; or ``auto``. If backend and
            precision are ``auto``, every level uses what :meth:`calibrate` found to be fastest on this machine, and
            fp32 as long as it did not run.
        threads: that share a step. More than one is faster only for large levels and long chunks; measure with
            ``sepprune bench --threads 1,2``.

    Attributes:
        ladder: the ladder.
        level: the level that is heard; during a crossfade the one that fades out.
        target_level: the level that was last set.
        chunk: samples that :meth:`step` takes.
        hop, delay: samples between frames; samples by which sources lag the mixture.
        sample_rate, sources: in hertz; number of sources.
        level_error: why the last change of level failed, ``None`` if it did not fail.
        bad_samples: samples so far that were not finite and became zero.
        limited_samples: samples so far beyond :data:`LARGEST`, to which they were limited.

    Raises:
        UserError: the level, chunk or backend is not possible, or the ladder is damaged.
    """

    def __init__(
        self,
        ladder: Ladder,
        level: int = 0,
        chunk_ms: float = 8.0,
        backend: str = "auto",
        precision: str = "auto",
        threads: int = 1,
    ) -> None:
        self.ladder, self.sample_rate, self.sources = ladder, ladder.sample_rate, ladder.sources
        self.hop, self.delay = ladder.hop, ladder.delay
        self.chunk = chunk_samples(ladder, chunk_ms)
        self._levels = CompiledLevels(ladder, self.chunk, backend, precision, threads)
        self._history = History(self.chunk, self.sources, round(HISTORY_SECONDS * self.sample_rate))
        self._fade = Crossfade(round(CROSSFADE_SECONDS * self.sample_rate), self.chunk)
        self._mixture = np.zeros(self.chunk, np.float32)
        self._heard, self._scratch = (np.zeros((self.sources, self.chunk), np.float32) for _ in range(2))
        self._remembered = True  # whether the history has the last chunk
        self._wide = np.zeros(self.chunk)  # no square of a float32 is too large for a float64
        self._runner = self._levels.open(level)
        self._incoming: LevelRunner | None = None
        self._warm_up: WarmUp | None = None
        self._wait = self._closed = False
        self.level = self.target_level = level
        self.level_error: Exception | None = None
        self.bad_samples = self.limited_samples = 0

    @property
    def backend(self) -> str:
        """Backend of the level that is heard."""
        return self._runner.by[0]

    @property
    def precision(self) -> str:
        """Precision of the level that is heard."""
        return self._runner.by[1]

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Backend and precision with which each level is opened the next time."""
        return [self._levels.choice(level.level) for level in self.ladder.levels]

    @property
    def automatic(self) -> bool:
        """Whether backend and precision follow the result of :meth:`calibrate`."""
        return self._levels.automatic

    @property
    def calibrated(self) -> bool:
        """Whether :meth:`calibrate` need not run (again)."""
        return not self.automatic or bool(self._levels.trials)

    @property
    def transitioning(self) -> bool:
        """Whether the level is changing, from :meth:`set_level` to the end of the crossfade."""
        return self.target_level != self.level or self.crossfading

    @property
    def crossfading(self) -> bool:
        """Whether two levels run in every step, so that its time is not the chunk time of one level."""
        return self._incoming is not None

    def step(self, chunk: Samples) -> Samples:
        """Separate the next chunk.

        Shape:
            - chunk: ``(chunk,)`` float32, full scale 1
            - sources: ``(sources, chunk)`` float32, lagging by :attr:`delay` samples

        Raises:
            UserError: the chunk has another length, type or shape, or the stream is closed.
        """
        if self._closed:
            raise UserError("the stream is closed: make a new StreamingSeparator")
        if not isinstance(chunk, np.ndarray) or chunk.dtype != np.float32 or chunk.shape != (self.chunk,):
            raise UserError(
                f"a chunk is {_described(chunk)}: pass a float32 array of shape ({self.chunk},), "
                f"mono at {self.sample_rate} Hz, full scale 1"
            )
        self.settle()
        self._follow_target()
        self._copy_sane(chunk, self._mixture)
        self._runner.step(self._mixture, self._heard)
        if self._incoming is not None:
            self._incoming.step(self._mixture, self._scratch)
            if self._fade.mix(self._heard, self._scratch):
                self._levels.give_back(self._runner)
                self._runner, self._incoming = self._incoming, None
                self.level = self._runner.level.level
        self._remembered = False
        return self._heard.copy()

    def settle(self) -> None:
        """Do now the work that the next :meth:`step` would do first.

        It adds the last chunk to the history (memory that is in no cache, since it was unused for seconds), and does
        the upkeep where a segment of a level has ended. The audio thread calls it after it has delivered the sources,
        so that this work delays no output. Without any call the sources are the same.
        """
        if not self._remembered:
            self._history.add(self._mixture, self._heard)
            self._remembered = True
        self._runner.settle()
        if self._incoming is not None:
            self._incoming.settle()

    def set_level(self, level: int, wait: bool = False) -> None:
        """Change to another level without a gap. The last call wins.

        Args:
            level: its number.
            wait: the next step warms the level up itself before it begins the crossfade. The result is then the same
                every time, for work that is not live. Otherwise a thread warms it up while the stream continues;
                errors of that thread are in :attr:`level_error`.

        Raises:
            UserError: the ladder has no such level or, with ``wait``, its files are damaged.
        """
        found = self.ladder[level]
        if wait:
            self._levels.compile(found)
        self._wait, self.level_error, self.target_level = wait, None, found.level

    def prepare(self, quick: bool = False) -> None:
        """Compile every level now, so that a later change of level only has to separate the history.

        A level whose files are damaged is left out; :meth:`set_level` reports it. To prepare beside a running stream
        use :func:`~sepprune.streaming.beside.start_beside`.

        Args:
            quick: leave out levels that must be converted first, which takes seconds, once on each machine.
        """
        self._levels.prepare(self._ends, quick)

    def calibrate(self) -> list[Trial]:
        """Measure which backend and precision is fastest here, level by level, and store the result.

        A child process measures, for some seconds. The level that runs stays as it is; other levels, and this one
        when it is opened again, use the result.

        Raises:
            UserError: a level's files are damaged.
        """
        return self._levels.calibrate(self._ends)

    def reset(self) -> None:
        """Start from silence, at the level that was last set."""
        self._cancel_change()
        if self.level != self.target_level:
            self._runner = self._levels.open(self.target_level)
            self.level = self.target_level
        self._runner.reset()
        self._history.clear()
        self._remembered = True

    def close(self) -> None:
        """Stop a running warm-up, and drop all that was compiled."""
        self._closed = True
        self._cancel_change()
        self._levels.clear()

    def __enter__(self) -> StreamingSeparator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _follow_target(self) -> None:
        """Between two chunks: begin, cancel or complete the warm-up of :attr:`target_level`."""
        if self._warm_up is not None and self._warm_up.level != self.target_level:
            self._warm_up.cancel()
            self._warm_up = None
        if self._incoming is not None or self.target_level == self.level:
            return
        if self._warm_up is None:
            level = self.target_level
            self._warm_up = WarmUp(
                level,
                lambda: self._levels.open(level),
                self._levels.give_back,
                self._history,
                self.chunk / self.sample_rate,
            )
            if self._wait:
                self._warm_up.run()
            else:
                self._warm_up.start()
        if self._warm_up.error is not None:
            self.level_error, self.target_level, self._warm_up = self._warm_up.error, self.level, None
            return
        self._incoming = self._warm_up.take_over()
        if self._incoming is not None:
            self._warm_up = None
            self._fade.restart()

    def _cancel_change(self) -> None:
        if self._warm_up is not None:
            self._warm_up.cancel()
        self._warm_up = self._incoming = None

    def _ends(self) -> bool:
        return self._closed or program_ends()

    def _copy_sane(self, chunk: Samples, mixture: Samples) -> None:
        """Copy a chunk without samples that would spoil a state: not finite, or beyond :data:`LARGEST`."""
        mixture[:] = self._wide[:] = chunk
        if not self._wide.dot(self._wide) < LARGEST**2:  # also if it is not a number
            bad = ~np.isfinite(mixture)
            self.bad_samples += int(bad.sum())
            mixture[bad] = 0.0
            self.limited_samples += int((np.abs(mixture) > LARGEST).sum())
            np.clip(mixture, -LARGEST, LARGEST, out=mixture)


def chunk_samples(ladder: Ladder, chunk_ms: float) -> int:
    """Samples in a chunk of ``chunk_ms``, rounded up to whole hops.

    Raises:
        UserError: the duration is not between 0 and 1000 ms.
    """
    if not 0 < chunk_ms <= 1000:
        raise UserError(f"a chunk of {chunk_ms} ms is not possible: choose more than 0 and at most 1000 ms")
    hops = chunk_ms * ladder.sample_rate / 1000 / ladder.hop
    return max(1, int(np.ceil(hops - 1e-6))) * ladder.hop


def _described(chunk: object) -> str:
    if isinstance(chunk, np.ndarray):
        return f"a {chunk.dtype} array of shape {chunk.shape}"
    return f"of type {type(chunk).__name__}"
