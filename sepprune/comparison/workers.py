"""Several processes that make cells side by side; each finished cell is on disk before the next one starts."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from ..errors import UserError
from .cells import CellMaker
from .settings import Cell, ComparisonSettings


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
            other = json.loads(marker.read_text(encoding="utf-8"))
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
        """A cell's content, ``None`` where it is not finished."""
        path = self._file(cell)
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def write(self, cell: Cell, content: dict[str, Any]) -> None:
        write_json(self._file(cell), content)

    def _file(self, cell: Cell) -> Path:
        return self.folder / "cells" / f"{cell.name}.json"


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)


class Workers:
    """Makes cells in up to ``count`` processes of their own. Use as a context manager.

    A worker keeps what it has read and traced from cell to cell. One whose parent was killed ends after its cell.

    Args:
        settings: the comparison.
        count: of processes.
    """

    def __init__(self, settings: ComparisonSettings, count: int) -> None:
        self.settings, self.count = settings, count
        self.workers: dict[Connection, Any] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for connection, worker in self.workers.items():
            connection.close()  # idle workers end by that
            if kind is not None:
                worker.terminate()
        for worker in self.workers.values():
            worker.join()

    def run(self, cells: Sequence[Cell], done: Callable[[Cell], None]) -> None:
        """Make cells in this order, each by the next worker that is free.

        Args:
            cells: what to make.
            done: called after every cell.

        Raises:
            UserError: a cell cannot be made; the others are kept.
            RuntimeError: a worker died.
        """
        waiting, busy = deque(cells), {}
        while len(self.workers) < min(self.count, len(cells)):
            self._start()
        for connection in list(self.workers)[: len(waiting)]:
            busy[connection] = waiting.popleft()
            connection.send(busy[connection])
        while busy:
            for connection in wait(list(busy)):
                cell = busy.pop(connection)
                try:
                    error = connection.recv()
                except EOFError as ended:
                    worker = self.workers[connection]
                    worker.join()
                    raise RuntimeError(
                        f"the process that made {cell.name} ended with status {worker.exitcode}: start "
                        "the command again to go on; fewer --processes need less memory"
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
        theirs.close()  # so that a worker's death is noticed as the end of the pipe
        self.workers[ours] = worker


def _work(settings: ComparisonSettings, connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    store, maker = CellStore(settings), None
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
        except BrokenPipeError:  # the parent is gone; the cell is kept
            return
