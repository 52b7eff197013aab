"""``sepprune ladder``: prune and fine-tune a separator to several sizes."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console

from .train import keep_memory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help="TOML file of the ladder, see configs/")
    parser.add_argument("--minutes", type=float, default=60.0, help="fine-tuning time of all these levels together")
    parser.add_argument(
        "--levels",
        help="only these levels, for example 1,3 (default: all that lack fine-tuning); "
        "they are fine-tuned side by side and hear the same mixtures",
    )
    parser.add_argument("--data", help="folder or pack of recordings, instead of the configuration's")
    parser.add_argument("--write-only", action="store_true", help="put what has been trained into the ladder folder")


def run(args: argparse.Namespace) -> dict[str, Any]:
    keep_memory()
    from ..ladders.make import LadderMaker, load_ladder_settings
    from ..training.processes import Processes

    settings = load_ladder_settings(args.config, args.data)
    with Processes() as processes:
        maker, console = LadderMaker(settings, processes), Console(stderr=True, quiet=not processes.first)
        report: dict[str, Any] = {"levels": []}
        levels = [] if args.write_only else _wanted(args.levels, maker)
        maker.learn_masks(levels)
        for level in levels:
            saved = f"{settings.reductions[level - 1]:.0%} fewer MACs" if level else "dense"
            console.print(f"level {level}: {saved}")
        if levels:
            report["levels"] = maker.finetune(levels, args.minutes)
        if not processes.first:
            args.json = None  # one report and one ladder a run
            return report
        report["ladder"] = str(maker.write())
        console.print(f"wrote {report['ladder']}")
    return report


def _wanted(levels: str | None, maker: Any) -> list[int]:
    from ..errors import UserError

    every = range(len(maker.settings.reductions) + 1)
    if levels is None:
        return [level for level in every if not (maker.level_folder(level) / "best.safetensors").is_file()]
    try:
        chosen = [int(word) for word in levels.split(",")]
    except ValueError:
        chosen = [0]
    if not set(chosen) <= set(every):
        raise UserError(f"--levels {levels}: expected level numbers from 0 to {every[-1]}, joined by commas")
    return chosen
