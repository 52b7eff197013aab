"""Several processes that make cells at the same time. A worker writes a finished cell before it starts the next one."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, TypeAlias

from ..checked import LARGEST_JSON, parse_json, read_limited, shown
from ..errors import UserError
from ..files import write_whole
from .cells import CellMaker
from .settings import Cell, ComparisonSettings

#: cells one way, ``None`` or a user's error back; the two directions have no common type
_Pipe: TypeAlias = "Connection[Any, Any]"


class CellStore:
    """Finished cells in a comparison's folder.

    Args:
        settings: the comparison.

    Raises:
        UserError: the folder holds cells of a comparison with other settings.
    """

    def __init__(self, settings: ComparisonSettings) -> None:
        self.folder = Path(settings.out)
        self.plans = self.folder / "plans"
        marker, identity = self.folder / "settings.json", settings.identity()
        if marker.is_file():
            other = _object(marker, f"remove the folder {self.folder}, or name another `out`")
            if changed := sorted(name for name in identity if identity[name] != other.get(name)):
                raise UserError(
                    f"{self.folder} holds cells that were made with other settings ({', '.join(changed)}): "
                    "name another `out`, or remove that folder"
                )
            return
        try:
            (self.folder / "cells").mkdir(parents=True, exist_ok=True)
            write_json(marker, identity)
        except OSError as error:
            raise UserError(f"cannot write to {self.folder}: {error.strerror or error}; name another `out`") from error

    def read(self, cell: Cell) -> dict[str, Any] | None:
        """A cell's result; ``None`` if it is not finished.

        Raises:
            UserError: its file is damaged.
        """
        path, advice = self._file(cell), "remove it, and the cell is made again"
        if not path.is_file():
            return None
        content = _object(path, advice)
        for name, expected in dataclasses.asdict(cell).items():
            if content.get(name) != expected:
                raise UserError(f"{path} has {name!r} {shown(content.get(name))}, expected {expected!r}: {advice}")
        score = content.get("si_sdri")
        if isinstance(score, bool) or not isinstance(score, (int, float)):
            raise UserError(f"{path} has 'si_sdri' {shown(score)}, expected a number: {advice}")
        return content

    def write(self, cell: Cell, content: dict[str, Any]) -> None:
        """Keep a cell's result."""
        write_json(self._file(cell), content)

    def _file(self, cell: Cell) -> Path:
        return self.folder / "cells" / f"{cell.name}.json"


def _object(path: Path, advice: str) -> dict[str, Any]:
    """A JSON object of a comparison; a score of a separator that failed may be ``NaN``.

    Raises:
        UserError: the file cannot be read, or is damaged.
    """
    return parse_json(read_limited(path, LARGEST_JSON, advice), path, advice, finite=False)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file. The file is replaced only when the new one is complete."""
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())


class Workers:
    """Makes cells in up to ``count`` processes. Use as a context manager.

    A worker keeps its data and its traced separator from cell to cell. If the parent is killed, a worker ends after its
    cell.

    Args:
        settings: the comparison.
        count: number of processes.
    """

    def __init__(self, settings: ComparisonSettings, count: int) -> None:
        self.settings, self.count = settings, count
        self.workers: dict[_Pipe, SpawnProcess] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for connection, worker in self.workers.items():
            connection.close()  # this ends idle workers
            if kind is not None:
                worker.terminate()
        for worker in self.workers.values():
            worker.join()

    def run(self, cells: Sequence[Cell], done: Callable[[Cell], None]) -> None:
        """Make cells in this order, each in the next worker that is free.

        Args:
            cells: the cells to make.
            done: called after every cell.

        Raises:
            UserError: a cell cannot be made; the others are kept.
            RuntimeError: a worker died.
        """
        waiting: deque[Cell] = deque(cells)
        busy: dict[_Pipe, Cell] = {}
        while len(self.workers) < min(self.count, len(cells)):
            self._start()
        for connection in list(self.workers)[: len(waiting)]:
            busy[connection] = waiting.popleft()
            connection.send(busy[connection])
        while busy:
            ready = wait(list(busy))
            for connection in [item for item in busy if item in ready]:
                cell = busy.pop(connection)
                try:
                    error = connection.recv()
                except EOFError as ended:
                    worker = self.workers[connection]
                    worker.join()
                    raise RuntimeError(
                        f"the process that made {cell.name} ended with status {worker.exitcode}: start "
                        "the command again to continue; fewer --processes need less memory"
                    ) from ended
                if error is not None:
                    raise error
                done(cell)
                if waiting:
                    busy[connection] = waiting.popleft()
                    connection.send(busy[connection])

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        worker = context.Process(target=_work, args=(self.settings, theirs))
        worker.start()
        theirs.close()  # so that the pipe ends when the worker ends
        self.workers[ours] = worker


def _work(settings: ComparisonSettings, connection: _Pipe) -> None:
    """The worker process: make the cells that arrive, answer each with ``None`` or a user's error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    store = CellStore(settings)
    maker: CellMaker | None = None
    while True:
        try:
            cell = connection.recv()
        except EOFError:
            return
        try:
            maker = maker or CellMaker(settings, store.plans)
            store.write(cell, maker.make(cell))
            answer: Exception | None = None
        except UserError as error:
            answer = error
        try:
            connection.send(answer)
        except BrokenPipeError:  # the parent has ended; the cell is kept
            return
