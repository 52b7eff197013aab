"""How a stream changes its level: a warm-up beside the stream, then a crossfade in it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import numpy as np

from .beside import program_ends, start_beside
from .history import History
from .runner import LevelRunner

#: seconds after which an agreement between two levels' outputs counts half as much as a new one
HALF_LIFE = 1.0
#: chunks that the audio thread makes up itself when it takes over, so that a take-over cannot be refused for ever
CATCH_UP = 2
#: seconds between two looks whether the program ends
_LOOK_UP = 0.2


class WarmUp:
    """A new level replays recent history until it has caught up with the stream.

    Its state is then as if it had run all along, and its sources are put in the order that agrees best with what
    is being heard. :meth:`run` does the work, in a thread of low priority or in the caller's;
    :meth:`take_over`, called by the audio thread between two chunks, hands the runner out.

    Args:
        level: the level's number.
        open_runner: gives the level's runner; slow the first time, when it compiles.
        give_back: takes it back, in the warm-up's thread, where the stream has changed its mind.
        history: the stream's.
        chunk_seconds: duration of a chunk.
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
        self._runner: LevelRunner | None = None
        self._decay = 0.5 ** (chunk_seconds / HALF_LIFE)
        self._cancelled = self._taken = False
        #: set when the runner has caught up, cleared by the audio thread when the stream has left it behind
        self.offered = threading.Event()
        self._declined = threading.Event()
        #: set when the thread has ended, and what stopped it if it was an error
        self.ended = threading.Event()
        self.error: Exception | None = None

    def start(self) -> None:
        """:meth:`run` in a thread of low priority, which keeps up with the stream until it is taken over."""
        start_beside(self._run_beside, f"warm-up of level {self.level}")

    def cancel(self) -> None:
        """Let the thread end."""
        self._cancelled = True
        self._declined.set()

    def run(self) -> None:
        """Catch up with the history as it stands now."""
        self._runner = self._open()
        self._out = np.zeros_like(self._history.slot(0)[1])
        self._restart()
        self._catch_up()
        self.offered.set()

    def take_over(self) -> LevelRunner | None:
        """The runner, exactly at the stream's position, or ``None`` while it is not there yet."""
        if not self.offered.is_set():
            return None
        lag = self._history.written - self._position
        if lag > CATCH_UP:
            self.offered.clear()
            self._declined.set()
            return None
        self._catch_up()
        self._taken = True
        self.cancel()
        self._runner.order = self._best_order()
        return self._runner

    def _run_beside(self) -> None:
        try:
            self.run()
            while not self._cancelled and not program_ends():
                if self._declined.wait(_LOOK_UP):
                    self._declined.clear()
                    self._catch_up()
                    self.offered.set()
        except Exception as error:  # for the stream to report: nobody sees a thread's traceback
            self.error = error
        finally:
            if self._runner is not None and not self._taken:
                self._give_back(self._runner)
            self.ended.set()

    def _restart(self) -> None:
        self._runner.reset()
        self._position = self._history.oldest
        sources = len(self._out)
        self._agreement = np.zeros((sources, sources))

    def _catch_up(self) -> None:
        while not self._cancelled and self._position < self._history.written:
            mixture, heard = self._history.slot(self._position)
            self._runner.step(mixture, self._out)
            self._agreement *= self._decay
            self._agreement += heard @ self._out.T
            if self._history.holds(self._position):
                self._position += 1
            else:
                self._restart()  # overtaken by the stream: what was read is not one piece of it

    def _best_order(self) -> tuple[int, ...]:
        """The order of the new level's sources that differs least, in energy, from what was heard."""
        sources = range(len(self._agreement))
        return max(itertools.permutations(sources), key=lambda order: sum(self._agreement[sources, order]))


class Crossfade:
    """Linear ramp from one level's sources to another's, over as many chunks as it takes.

    Linear, since two levels' outputs are nearly the same signal.

    Args:
        samples: length of the ramp; the last sample of it is all new.
        chunk: samples in a chunk.
    """

    def __init__(self, samples: int, chunk: int) -> None:
        self.samples, self._chunk = samples, chunk
        self._weights = np.concatenate(
            [np.arange(1, samples + 1, dtype=np.float32) / samples, np.ones(chunk, np.float32)]
        )
        self._position = 0

    def restart(self) -> None:
        self._position = 0

    def mix(self, old: np.ndarray, new: np.ndarray) -> bool:
        """Blend a chunk of ``new`` into ``old``, ``(sources, chunk)``, in place; true when the ramp has ended."""
        new -= old
        new *= self._weights[self._position : self._position + self._chunk]
        old += new
        self._position += self._chunk
        return self._position >= self.samples
