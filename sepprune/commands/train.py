"""``sepprune train``: train or fine-tune a separator.

It trains on a GPU if there is one. With ``torchrun -m sepprune train ...`` several processes train together; on a CPU,
one process per core with ``--threads 1`` is fastest.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import LONGEST_RUN_S, LONGEST_TRAINING_MIN, check_number
from ..errors import UserError
from ..files import check_destination, check_folder
from ..printing import counted, plain_console

if TYPE_CHECKING:
    from ..training.settings import TrainingSettings

#: By default glibc returns large blocks to the system after every update and faults them in again, which made an update
#: on a CPU thirteen times slower. These thresholds keep the blocks; they must be set before the process starts.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help="TOML file of the run, see configs/")
    parser.add_argument("--resume", action="store_true", help="continue from the last checkpoint in the run folder")
    parser.add_argument("--minutes", type=float, default=60.0, help="training time")
    parser.add_argument(
        "--cooldown", action="store_true", help="let the learning rate fall linearly to zero over this time"
    )
    parser.add_argument("--data", help="folder or pack of recordings, instead of that in the configuration")
    parser.add_argument("--out", help="run folder, instead of that in the configuration")
    parser.add_argument("--weights", metavar="FILE", help="safetensors file to start from, instead of random weights")
    parser.add_argument("--plan", metavar="FILE", help="pruning plan that is applied before the weights are loaded")
    parser.add_argument(
        "--benchmark",
        nargs="?",
        type=float,
        const=60.0,
        metavar="SECONDS",
        help="measure how fast the run would train, for about a minute, and write nothing",
    )
    parser.add_argument("--threads", type=int, help="torch threads on a CPU")


def run(args: argparse.Namespace) -> dict[str, Any]:
    check_number("--minutes", args.minutes, 0, LONGEST_TRAINING_MIN)
    check_number("--benchmark", args.benchmark, 0, LONGEST_RUN_S, "seconds", above=True)
    check_number("--threads", args.threads, 0, os.cpu_count() or 1, "(the cores of this machine)")
    keep_memory()
    import torch

    from ..ladders.weights import load_model, resolved
    from ..training.learner import Learner
    from ..training.processes import Processes
    from ..training.settings import load_settings
    from ..training.trainer import Trainer

    settings = load_settings(args.config, data=args.data, out=args.out, threads=args.threads)
    check_folder("out", settings.out)
    if args.json:
        check_destination("--json", args.json, made=[Path(settings.out)])
    given = {name: value for name in ("weights", "plan") if (value := getattr(args, name)) is not None}
    settings = dataclasses.replace(settings, model=resolved(dataclasses.replace(settings.model, **given)))
    if settings.imitation or settings.hints:
        raise UserError(
            f"{args.config} asks for imitation or hints, and there is no teacher here: remove them, or use "
            "`sepprune ladder`, where the dense separator is the teacher"
        )
    torch.manual_seed(settings.seed)
    if args.benchmark is not None:
        return _benchmark(args, settings)
    with Processes() as processes:
        learner = Learner(settings, load_model(settings.model), args.resume or processes.restarted, processes)
        trainer = Trainer(settings, [learner], processes=processes)
        (report,) = trainer.run(args.minutes, args.cooldown)
        report = {**report, "complete": not trainer.ended_early}
    if not processes.first:
        args.json = None  # only one process reports
        return report
    console = plain_console(stderr=args.json == "-")
    console.print(
        f"best SI-SDRi {report['best_si_sdri']:.2f} dB after {report['audio_hours']:.1f} hours of mixtures, "
        f"{counted(report['steps'], 'update')}, {report['seconds'] / 60:.1f} minutes: {settings.out}/best.safetensors"
    )
    if not report["complete"]:
        console.print("interrupted: run the same command with --resume to continue", soft_wrap=True)
    return report


def _benchmark(args: argparse.Namespace, settings: TrainingSettings) -> dict[str, Any]:
    from ..ladders.weights import load_model
    from ..separators.calling import NOT_FASTER
    from ..training.benchmark import benchmark

    report = benchmark(settings, load_model(settings.model), args.benchmark)
    if report["precision"] != settings.optimiser.precision:
        plain_console(stderr=True).print(NOT_FASTER)
    plain_console(stderr=args.json == "-").print(
        f"{report['hours_per_hour']:.1f} hours of mixtures per hour, {report['updates_per_second']:.2f} updates per "
        f"second on {report['device']} in {report['precision']}. An update takes {report['update_ms']:.0f} ms, of "
        f"which matrix products alone would take {report['product_share']:.0%}. Mixing takes "
        f"{report['mixing_ms']:.0f} ms per mixture and process."
    )
    return report


def keep_memory() -> None:
    """Restart this process with an allocator that keeps its memory, unless it already runs with it."""
    if sys.platform == "linux" and not ALLOCATOR.keys() <= os.environ.keys():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | ALLOCATOR)
