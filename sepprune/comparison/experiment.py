"""Running a comparison: prune with every method, fine-tune all at one size, and the best also at the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .cells import CellMaker
from .chart import draw
from .report import best_rivals, report_of
from .settings import Cell, ComparisonSettings, final_cells, pruned_cells, tuned_cells
from .workers import CellStore, Workers, write_json

#: called with the number of finished cells, the number of all cells, and a description of the last one
Progress = Callable[[int, int, str], None]


def compare(settings: ComparisonSettings, processes: int = 1, progress: Progress | None = None) -> dict[str, Any]:
    """Compare SepPrune with its rivals. An interrupted comparison continues with the missing cells.

    Writes ``comparison.json`` and ``comparison.png`` into the comparison's folder.

    Args:
        settings: the comparison.
        processes: how many cells are made at the same time, each with the threads of the training settings.
        progress: called after every cell.

    Returns:
        see :func:`~sepprune.comparison.report.report_of`.

    Raises:
        UserError: data or weights are missing or do not fit, a budget cannot be met, or the folder holds another
            comparison's cells.
    """
    store = CellStore(settings)
    first, second = pruned_cells(settings), tuned_cells(settings)
    others = len(settings.reductions) - 1
    finalists = min(settings.finalists, len(settings.methods) - 1)
    total = len(first) + len(second) + len(settings.seeds) * others * (1 + finalists)
    finished = 0

    def done(cell: Cell) -> None:
        nonlocal finished
        finished += 1
        if progress is not None:
            progress(finished, total, f"{cell.method}, {cell.reduction:.0%} fewer MACs, {cell.stage}, seed {cell.seed}")

    def missing(cells: Sequence[Cell]) -> list[Cell]:
        left = [cell for cell in cells if store.read(cell) is None]
        for cell in cells:
            if cell not in left:
                done(cell)
        return left

    maker = CellMaker(settings, store.plans)  # errors in data or weights appear before any process starts
    dense = maker.score(maker.dense)
    with Workers(settings, processes) as workers:
        workers.run(missing(first), done)
        workers.run(missing(second), done)
        best = best_rivals(_contents(store, second), finalists)
        last = final_cells(settings, best)
        workers.run(missing(last), done)
    report = report_of(settings, dense, _contents(store, [*first, *second, *last]), best)
    write_json(Path(settings.out) / "comparison.json", report)
    draw(report, Path(settings.out) / "comparison.png")
    return report


def _contents(store: CellStore, cells: Sequence[Cell]) -> list[dict[str, Any]]:
    return [content for cell in cells if (content := store.read(cell)) is not None]
