"""``sepprune bench --report`` in a process of its own, with its progress and its result."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import QObject, QProcess, pyqtSignal

#: milliseconds that ending the process may take
_END_MS = 2000


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Args:
        folder: for the report; it need not exist.
        quick: one minute; otherwise everything, and a soak.
        load: busy processes beside it.
        ladder: folder of the ladder, ``None`` for the bundled one.
    """

    folder: Path
    quick: bool = True
    load: int = 0
    ladder: str | None = None

    def arguments(self) -> list[str]:
        """Arguments of the Python interpreter."""
        return [
            *("-m", "sepprune", "bench"),
            *([] if self.ladder is None else [self.ladder]),
            *("--report", str(self.folder), "--progress"),
            *(["--quick"] if self.quick else ["--soak", "5"]),
            *(["--load", str(self.load)] if self.load else []),
        ]


@dataclass(frozen=True)
class Result:
    """A finished measurement.

    Args:
        page: the report for people.
        verdict, warnings: of the report.
    """

    page: Path
    verdict: str
    warnings: tuple[str, ...]


class Measurement(QObject):
    """Runs one measurement at a time.

    A cancelled one writes nothing; what was in its folder stays.

    Args:
        parent: owner of this object.
        program: command before the arguments of a plan, for tests.
    """

    #: share that is done (0 to 1), and seconds of sound: done, and in all
    progressed = pyqtSignal(float, float, float)
    #: a :class:`Result`
    finished = pyqtSignal(object)
    #: a sentence
    failed = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None, program: Sequence[str] = (sys.executable,)) -> None:
        super().__init__(parent)
        self._program = program
        self._process: QProcess | None = None
        self._plan = Plan(Path())
        self._pending, self._said = "", ""

    @property
    def running(self) -> bool:
        """Whether a measurement runs."""
        return self._process is not None

    def start(self, plan: Plan) -> None:
        """Start a measurement; one that runs is cancelled."""
        self.cancel()
        self._plan, self._pending, self._said = plan, "", ""
        process = self._process = QProcess(self)
        process.setStandardOutputFile(QProcess.nullDevice())
        process.readyReadStandardError.connect(self._read)
        process.finished.connect(self._ended)
        process.errorOccurred.connect(self._error)
        process.start(self._program[0], [*self._program[1:], *plan.arguments()])

    def cancel(self) -> None:
        """End a measurement without a result; no signal follows."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.waitForFinished(_END_MS)
            process.deleteLater()

    def _read(self) -> None:
        if self._process is None:
            return
        self._pending += bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        *lines, self._pending = self._pending.split("\n")
        for line in lines:
            try:
                told = json.loads(line)
                self.progressed.emit(float(told["share"]), float(told["seconds"]), float(told["of_seconds"]))
            except (ValueError, TypeError, KeyError):
                self._said = line.strip() or self._said

    def _error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._process = None
            self.failed.emit(f"{self._program[0]} cannot be started")

    def _ended(self, status: int) -> None:
        if self._process is None:
            return
        self._read()
        self._process.deleteLater()
        self._process = None
        try:
            if status != 0:
                raise ValueError(self._said or f"it ended with exit status {status}")
            report = json.loads((self._plan.folder / "report.json").read_text(encoding="utf-8"))
            result = Result(self._plan.folder / "report.html", report["verdict"], tuple(report["warnings"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.failed.emit(f"the measurement has no result: {error}")
            return
        self.finished.emit(result)
