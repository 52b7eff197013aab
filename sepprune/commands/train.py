"""``sepprune train``: train or fine-tune a separator.

Several processes train together under ``torchrun -m sepprune train ...``; on a CPU, one process a core and
``--threads 1`` is fastest.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from typing import Any

from rich.console import Console

#: glibc gives large blocks back to the system after every update and faults them in again, which made a CPU update
#: thirteen times slower; these thresholds keep them, and only count when set before the process starts
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help="TOML file of the run, see configs/")
    parser.add_argument("--resume", action="store_true", help="go on from the run folder's last checkpoint")
    parser.add_argument("--minutes", type=float, default=60.0, help="training time")
    parser.add_argument("--cooldown", action="store_true", help="let the learning rate fall to zero over this time")
    parser.add_argument("--data", help="folder or pack of recordings, instead of the configuration's")
    parser.add_argument("--out", help="run folder, instead of the configuration's")
    parser.add_argument("--weights", metavar="FILE", help="safetensors file to start from, instead of fresh weights")
    parser.add_argument("--plan", metavar="FILE", help="pruning plan that is applied before the weights are loaded")
    parser.add_argument("--threads", type=int, help="torch threads on a CPU")


def run(args: argparse.Namespace) -> dict[str, Any]:
    keep_memory()
    import torch

    from ..errors import UserError
    from ..ladders.weights import load_model
    from ..training.processes import Processes
    from ..training.settings import load_settings
    from ..training.student import Student
    from ..training.trainer import Trainer

    settings = load_settings(args.config, data=args.data, out=args.out, threads=args.threads)
    given = {name: value for name in ("weights", "plan") if (value := getattr(args, name)) is not None}
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, **given))
    if settings.imitation or settings.hints:
        raise UserError(
            f"{args.config} asks for imitation or hints, and there is no teacher here: remove them, or use "
            "`sepprune ladder`, where the dense separator is the teacher"
        )
    torch.manual_seed(settings.seed)
    with Processes() as processes:
        student = Student(settings, load_model(settings.model), args.resume or processes.restarted, processes)
        (report,) = Trainer(settings, [student], processes=processes).run(args.minutes, args.cooldown)
    if not processes.first:
        args.json = None  # one report a run
        return report
    Console(stderr=args.json == "-").print(
        f"best SI-SDRi {report['best_si_sdri']:.2f} dB after {report['audio_hours']:.1f} hours of mixtures, "
        f"{report['steps']} updates, {report['seconds'] / 60:.0f} minutes: {settings.out}/best.safetensors"
    )
    return report


def keep_memory() -> None:
    """Start this process again with an allocator that keeps its memory, unless it already has."""
    if sys.platform == "linux" and not _ALLOCATOR.keys() <= os.environ.keys():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | _ALLOCATOR)
