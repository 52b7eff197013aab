"""How a stream changes its level: first a warm-up beside the stream, then a crossfade."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import numpy as np

from .beside import program_ends, start_beside
from .history import History
from .protocols import Samples
from .runner import LevelRunner

#: seconds after which an agreement between the outputs of two levels counts half as much as a new one
HALF_LIFE = 1.0
#: chunks by which a level may be behind when the audio thread takes it over. The audio thread separates them itself:
#: a warm-up beside a running stream is always a little behind.
CATCH_UP = 2
#: a level that has not caught up after separating so many times the chunks of the history leaves out the rest. On an
#: overloaded machine it would otherwise follow the stream for ever, and a lighter level is wanted most there.
MOST_REPLAYS = 2
#: seconds between two checks whether the program ends
_POLL_SECONDS = 0.2


class WarmUp:
    """Brings a new level to the stream's position, by letting it separate the recent history.

    Afterwards its state is as if it had run all along, and its sources are in the order that agrees best with what was
    heard. Where the level is too slow to catch up, the chunks before the present position are missing in its state.
    :meth:`run` does the work, in a thread beside the stream or in the caller's. The audio thread calls
    :meth:`take_over` between two chunks.

    Args:
        level: number of the level.
        open_runner: gives the level's runner; slow the first time, since it compiles the level.
        give_back: takes it back, in the warm-up's thread, where the stream has changed its target meanwhile.
        history: the stream's.
        chunk_seconds: duration of a chunk.

    Attributes:
        offered: set while the runner is at the stream's position, or a few chunks behind it.
        ended: set when the thread has ended.
        error: what stopped it, ``None`` where nothing went wrong.
    """

    def __init__(
        self,
        level: int,
        open_runner: Callable[[], LevelRunner],
        give_back: Callable[[LevelRunner], None],
        history: History,
        chunk_seconds: float,
    ) -> None:
        self.level, self._open, self._give_back, self._history = level, open_runner, give_back, history
        self._decay = 0.5 ** (chunk_seconds / HALF_LIFE)
        self._replay: _Replay | None = None
        self._cancelled = self._taken = False
        self.offered = threading.Event()
        self._declined = threading.Event()
        self.ended = threading.Event()
        self.error: Exception | None = None

    def start(self) -> None:
        """:meth:`run` in a thread. It follows the stream until the runner is taken over."""
        start_beside(self._run_beside, f"warm-up of level {self.level}")

    def cancel(self) -> None:
        """Let the thread end."""
        self._cancelled = True
        self._declined.set()

    def run(self) -> None:
        """Open the level and bring it to the stream's present position."""
        self._replay = _Replay(self._open(), self._history, self._decay)
        self._catch_up(self._replay)

    def take_over(self) -> LevelRunner | None:
        """The runner, exactly at the stream's position, or ``None`` while it is not there yet."""
        replay = self._replay
        if replay is None or not self.offered.is_set():
            return None
        if replay.lag > CATCH_UP:
            self.offered.clear()
            self._declined.set()
            return None
        replay.advance(lambda: self._cancelled)
        self._taken = True
        self.cancel()
        return replay.finished()

    def _run_beside(self) -> None:
        try:
            self.run()
            while not self._cancelled and not program_ends():
                if self._replay is not None and self._declined.wait(_POLL_SECONDS):
                    self._declined.clear()
                    self._catch_up(self._replay)
        except Exception as error:  # for the stream to report: nobody sees a thread's traceback
            self.error = error
        finally:
            if self._replay is not None and not self._taken:
                self._give_back(self._replay.runner)
            self.ended.set()

    def _catch_up(self, replay: _Replay) -> None:
        replay.advance(lambda: self._cancelled)
        self.offered.set()


class _Replay:
    """A level that separates the history chunk by chunk, and how its sources agree with those that were heard.

    Args:
        runner: of the level; starts from silence.
        history: the stream's.
        decay: weight of a chunk's agreement relative to the next chunk's.
    """

    def __init__(self, runner: LevelRunner, history: History, decay: float) -> None:
        self.runner, self._history, self._decay = runner, history, decay
        runner.reset()
        self._out = np.zeros_like(history.slot(0)[1])
        self._position = history.oldest
        #: correlation of every heard source (rows) with every source of the level (columns)
        self._agreement = np.zeros((len(self._out), len(self._out)))

    @property
    def lag(self) -> int:
        """Chunks by which the level is behind the stream."""
        return self._history.written - self._position

    def advance(self, cancelled: Callable[[], bool]) -> None:
        """Separate what the stream has heard so far, at most :data:`MOST_REPLAYS` times the history."""
        for _ in range(MOST_REPLAYS * self._history.chunks):
            if cancelled() or self.lag <= 0:
                return
            mixture, heard = self._history.slot(self._position)
            self.runner.step(mixture, self._out)
            self._agreement *= self._decay
            self._agreement += heard @ self._out.T
            if self._history.holds(self._position):
                self._position += 1
            else:  # the stream overwrote the chunk while it was read: start again from the oldest whole one
                self.runner.reset()
                self._position = self._history.oldest
                self._agreement[:] = 0
        self._position = self._history.written

    def finished(self) -> LevelRunner:
        """The runner, with its sources in the order that agrees best with the heard ones."""
        sources = range(len(self._agreement))
        self.runner.order = max(
            itertools.permutations(sources), key=lambda order: float(sum(self._agreement[sources, order]))
        )
        return self.runner


class Crossfade:
    """Linear ramp from one level's sources to another's, over as many chunks as it takes.

    Linear, since the outputs of two levels are nearly the same signal.

    Args:
        samples: length of the ramp; at its last sample only the new sources are left.
        chunk: samples in a chunk.
    """

    def __init__(self, samples: int, chunk: int) -> None:
        self.samples, self._chunk = samples, chunk
        self._weights = np.concatenate(
            [np.arange(1, samples + 1, dtype=np.float32) / samples, np.ones(chunk, np.float32)]
        )
        self._position = 0

    def restart(self) -> None:
        """Begin the ramp anew."""
        self._position = 0

    def mix(self, old: Samples, new: Samples) -> bool:
        """Blend a chunk of ``new`` into ``old``, ``(sources, chunk)``, in place; true when the ramp has ended."""
        new -= old
        new *= self._weights[self._position : self._position + self._chunk]
        old += new
        self._position += self._chunk
        return self._position >= self.samples
