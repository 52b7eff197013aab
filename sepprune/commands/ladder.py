"""``sepprune ladder``: make a whole ladder from one trained separator.

Several processes make it together under ``torchrun -m sepprune ladder ...``, one process a core on a CPU.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import LONGEST_TRAINING_MIN, check_number
from ..errors import UserError
from ..files import check_destination
from ..printing import plain_console
from .options import numbers_of
from .prune_progress import MaskProgress
from .train import keep_memory

if TYPE_CHECKING:
    from ..ladders.settings import LadderSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Prune and fine-tune a separator to several sizes. Levels are made in the order in which they need each other; "
        "levels that do not are fine-tuned side by side on the same mixtures, with the dense separator as teacher. "
        "After an interruption, run the same command again: finished work is kept."
    )
    parser.add_argument("config", help="TOML file of the ladder, such as configs/ladder.toml")
    parser.add_argument(
        "--minutes",
        type=float,
        default=60.0,
        help="fine-tuning time of all levels; learning masks comes on top (mask_steps updates for each level cut)",
    )
    parser.add_argument("--levels", help="make only these levels, for example 1,3; otherwise all of them")
    parser.add_argument("--data", help="folder or pack of recordings, instead of the configuration's")
    parser.add_argument(
        "--start", metavar="LADDER", help="train the levels of this ladder further, instead of cutting new ones"
    )
    parser.add_argument(
        "--write-only",
        action="store_true",
        help="train nothing; only write the levels trained so far to the ladder folder",
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    check_number("--minutes", args.minutes, 0, LONGEST_TRAINING_MIN, above=True)
    keep_memory()
    from ..ladders.make import Events, LadderMaker
    from ..ladders.settings import load_ladder_settings
    from ..training.processes import Processes

    settings = load_ladder_settings(args.config, args.data, args.start)
    if args.json:
        check_destination("--json", args.json, made=[Path(settings.out), Path(settings.runs)])
    report: dict[str, Any] = {"levels": []}
    with Processes() as processes:
        display = _Display(settings, quiet=not processes.first)
        display.warn(args.config)
        maker = LadderMaker(settings, processes, Events(display.stage, display.masks))
        if not args.write_only:
            made = maker.make(_chosen(args.levels, len(settings.levels)), args.minutes)
            report = {"levels": list(made.levels), "complete": made.complete}
        if not processes.first:
            args.json = None  # one report and one ladder a run
            return report
        report["ladder"] = str(maker.write())
        display.console.print(f"wrote {report['ladder']}", soft_wrap=True)
        if not report.get("complete", True):
            display.console.print("interrupted: run the same command again to continue", soft_wrap=True)
    return report


class _Display:
    """What is made, and the progress of mask learning."""

    def __init__(self, settings: LadderSettings, quiet: bool) -> None:
        self.console = plain_console(stderr=True, quiet=quiet)
        self._settings = settings

    def warn(self, path: str) -> None:
        """Tell where the dense separator has learned nothing.

        Args:
            path: of the configuration.
        """
        if self._settings.start is None and self._settings.training.model.weights is None:
            self.console.print(
                f"Warning: the dense separator of {path} has random weights, so its channels mean nothing: set "
                "`weights` of [training.model]",
                soft_wrap=True,
                highlight=False,
            )

    def stage(self, levels: Sequence[int], minutes: float) -> None:
        for level in levels:
            self.console.print(f"level {level}: {self._origin(level)}", soft_wrap=True)
        if minutes:
            self.console.print(f"fine-tuning takes {minutes:.1f} minutes, learning masks comes on top", soft_wrap=True)

    def _origin(self, level: int) -> str:
        spec = self._settings.levels[level]
        if self._settings.start is not None:
            return f"as in {self._settings.start}"
        if not level:
            return "dense"
        origin = f"cut from level {spec.cut_from}" if spec.contains is None else f"contains level {spec.contains}"
        return f"{spec.macs:.0%} of the MACs, {origin}"

    @contextmanager
    def masks(self, level: int) -> Iterator[Callable[[int, float], None]]:
        with MaskProgress(self._settings.mask_steps, self.console, f"of level {level}") as progress:
            yield progress.show


def _chosen(levels: str | None, count: int) -> list[int]:
    if levels is None:
        return list(range(count))
    chosen = numbers_of("--levels", levels, int, "level numbers", "1,3")
    if not set(chosen) <= set(range(count)):
        raise UserError(f"--levels {levels}: expected level numbers from 0 to {count - 1}, joined by commas")
    return chosen
