"""Progress of mask learning on standard error: a bar at a terminal, ten lines in a log."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_SCORING, _LEARNING = "scoring channels", "learning masks"


class MaskProgress:
    """Says that channels are scored, then how many steps of mask learning are done. Use as a context manager.

    Args:
        steps: number of steps of mask learning.
        console: to write to.
        of: whose channels they are, such as ``of level 2``.
    """

    def __init__(self, steps: int, console: Console, of: str = "") -> None:
        self._steps, self._console = steps, console
        self._scoring, self._learning = (f"{phase} {of}".strip() for phase in (_SCORING, _LEARNING))
        self._first: tuple[int, float] | None = None
        self._tenths = 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[done]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(self._scoring, total=None, done="")

    def __enter__(self) -> MaskProgress:
        if not self._console.is_terminal:
            self._say(self._scoring)
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, step: int, loss: float) -> None:
        """Step number ``step``, counted from 0, is done."""
        done = step + 1
        self._bar.update(
            self._task,
            description=self._learning,
            total=self._steps,
            completed=done,
            done=f"{done}/{self._steps}, loss {loss:.2f}",
        )
        now = time.monotonic()
        if self._first is None:
            self._first = done, now
        tenths = 10 * done // self._steps
        if tenths > self._tenths and not self._console.is_terminal:
            self._tenths = tenths
            self._say(f"{self._learning}: step {done} of {self._steps}, loss {loss:.2f}{self._remaining(done, now)}")

    def _remaining(self, done: int, now: float) -> str:
        """The time that the other steps take at the speed so far, in words; empty where it is not known."""
        if self._first is None or done in (self._first[0], self._steps):
            return ""
        seconds = (now - self._first[1]) / (done - self._first[0]) * (self._steps - done)
        return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)
