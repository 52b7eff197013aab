"""``sepprune prune``: learn which channels to drop, drop them, prove the result."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="built-in separator (skim, skim:hidden=128) or FILE.py:FACTORY")
    parser.add_argument("--weights", metavar="FILE", help="safetensors file of the dense model")
    parser.add_argument("--method", default="sepprune", help="sepprune, random, l1, l2, taylor, fpgm, hrank or lamp")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--macs", type=float, metavar="R", help="share of the dense multiply-adds to keep")
    budget.add_argument("--params", type=float, metavar="R", help="share of the dense parameters to keep")
    budget.add_argument("--chunk-time", type=float, metavar="R", help="share of the dense chunk time to keep")
    budget.add_argument(
        "--threshold", type=float, metavar="E", help="epsilon of the published method (0.7 there); it sets no rate"
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="training data folder or pack, a folder with mix/, s1/, s2/, or the root of --dataset",
    )
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        help="--data is a prepared set as its official scripts leave it: lrs2-2mix, libri2mix, wham or echoset",
    )
    parser.add_argument("--split", default="train", help="of --dataset: train, or a name of its own such as train-360")
    parser.add_argument("--condition", default="mix_clean", help="of --dataset, where it has several, such as mix_both")
    parser.add_argument("--length", default="min", help="of --dataset, where it has several: min or max")
    parser.add_argument("--steps", type=int, default=500, help="batches for learning masks")
    parser.add_argument("--batch", type=int, default=4, help="mixtures in a batch")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a mixture")
    parser.add_argument("--sample-rate", type=int, default=16_000, help="in hertz")
    parser.add_argument("--include", nargs="*", default=(), metavar="PATTERN", help="only groups with these layers")
    parser.add_argument("--exclude", nargs="*", default=(), metavar="PATTERN", help="no group with these layers")
    parser.add_argument("--round-to", type=int, default=1, metavar="N", help="keep multiples of so many channels")
    parser.add_argument(
        "--whole-branches",
        action="store_true",
        help="let the budget remove residual branches altogether, operators and all",
    )
    parser.add_argument(
        "--narrowest",
        type=int,
        default=0,
        metavar="N",
        help="with --whole-branches: a branch keeps so many channels or none",
    )
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="folder for model.safetensors, plan.json and report.json"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    from ..models import example_for, load_named, load_weights_into
    from ..pruning import Floor, prune

    out = Path(args.out)
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file: name a folder")
    if args.steps < 1 or args.batch < 1 or args.seconds <= 0 or args.round_to < 1:
        raise UserError("--steps, --batch, --seconds and --round-to must be positive")
    if args.narrowest < 0 or args.narrowest and not args.whole_branches:
        raise UserError(
            f"--narrowest {args.narrowest} is a number of channels for branches that may go whole: "
            "give a positive one, with --whole-branches"
        )
    module = load_named(args.model)
    if args.weights:
        load_weights_into(module, args.weights)
    data = _batches(args, getattr(module, "hop", 1))
    with _Progress(args) as step:
        result = prune(
            module,
            example_for(module, args.sample_rate),
            macs=args.macs,
            params=args.params,
            chunk_time=args.chunk_time,
            threshold=args.threshold,
            method=args.method,
            data=data,
            steps=args.steps,
            seed=args.seed,
            include=args.include,
            exclude=args.exclude,
            floor=Floor(whole_branches=args.whole_branches, narrowest=args.narrowest),
            round_to=args.round_to,
            sample_rate=args.sample_rate,
            progress=step,
        )
    _write(result, out)
    if args.json != "-":
        _print(args, result.report)
    return result.report


class _Progress:
    """A bar on standard error while masks are learned."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.bar = Progress(
            TextColumn("learning masks"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("loss {task.fields[loss]:.2f}"),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task("", total=args.steps, loss=float("nan"), visible=False)

    def __enter__(self) -> Any:
        self.bar.start()
        return lambda step, loss: self.bar.update(self.task, completed=step + 1, loss=loss, visible=True)

    def __exit__(self, *error: Any) -> None:
        self.bar.stop()


def _batches(args: argparse.Namespace, hop: int) -> Any:
    """Batches of ``(mixture, references)`` from what ``--data`` and ``--dataset`` name; ``None`` without data."""
    from ..pruning.pipeline import METHODS, WITHOUT_DATA

    if args.dataset is None and args.data is None:
        if args.method in WITHOUT_DATA or args.method not in METHODS:
            return None
        raise UserError(
            f"--method {args.method} looks at mixtures: name them with --data, or choose one that looks at "
            f"weights alone: {', '.join(WITHOUT_DATA)}"
        )
    if args.dataset is None:
        return _Batches(args, hop)
    if args.data is None:
        raise UserError(f"--dataset {args.dataset} lies nowhere: name its folder with --data")
    from torch.utils.data import DataLoader

    from ..data.datasets import DatasetSettings, PreparedBatches, PreparedMixtures

    settings = DatasetSettings(args.dataset, args.split, args.condition, args.length, args.sample_rate)
    mixtures = PreparedMixtures(args.data, settings, args.split, _samples(args, hop) / args.sample_rate)
    return DataLoader(PreparedBatches(mixtures, args.batch, args.steps + 64, args.seed), batch_size=None, shuffle=False)


def _samples(args: argparse.Namespace, hop: int) -> int:
    """Length of a mixture, whole hops."""
    return max(hop, round(args.seconds * args.sample_rate) // hop * hop)


class _Batches:
    """Batches of ``(mixture, references)`` from what ``--data`` names, new ones on every pass."""

    def __init__(self, args: argparse.Namespace, hop: int) -> None:
        self.args = args
        self.samples = _samples(args, hop)
        self.folder = Path(args.data)
        self.triples = _triples(self.folder)
        if not self.triples and args.sample_rate != 16_000:
            raise UserError(
                f"training data is at 16000 Hz, --sample-rate is {args.sample_rate}: "
                "give a folder with mix/, s1/ and s2/ at that rate"
            )
        self.mixtures = None if self.triples else self._mixtures()
        self.passes = 0

    def __iter__(self) -> Iterator[Any]:
        self.passes += 1
        if self.mixtures is not None:
            return (self.mixtures[index] for index in range(len(self.mixtures)))
        return self._crops()

    def _mixtures(self) -> Any:
        from ..data.corpus import Collection
        from ..training.mixtures import Mixtures, MixtureSettings, load_sounds

        settings = MixtureSettings(seconds=self.samples / 16_000, batch=self.args.batch)
        return Mixtures(
            settings, load_sounds(Collection(self.folder), "train", settings), self.args.steps + 64, self.args.seed
        )

    def _crops(self) -> Iterator[Any]:
        import numpy as np
        import soundfile
        import torch

        random = np.random.default_rng([self.args.seed, self.passes])
        order = random.permutation(len(self.triples))
        for start in range(0, len(order), self.args.batch):
            signals = []
            for index in np.resize(order[start : start + self.args.batch], self.args.batch):
                lengths = [soundfile.info(path).frames for path in self.triples[index]]
                offset = int(random.integers(max(1, min(lengths) - self.samples)))
                signals.append(
                    np.stack([_crop(path, offset, self.samples, self.args.sample_rate) for path in self.triples[index]])
                )
            batch = torch.from_numpy(np.stack(signals))
            yield batch[:, 0], batch[:, 1:]


def _triples(folder: Path) -> list[tuple[Path, ...]]:
    """Mixture and source files of equal names."""
    mixtures = next(
        (folder / name for name in ("mix", "mix_clean", "mix_both", "mix_both_min") if (folder / name).is_dir()), None
    )
    if mixtures is None or not (folder / "s1").is_dir():
        return []
    return [
        (path, folder / "s1" / path.name, folder / "s2" / path.name)
        for path in sorted(mixtures.iterdir())
        if (folder / "s1" / path.name).is_file() and (folder / "s2" / path.name).is_file()
    ]


def _crop(path: Path, start: int, samples: int, sample_rate: int) -> Any:
    import soundfile

    signal, rate = soundfile.read(path, samples, start, dtype="float32", always_2d=True, fill_value=0.0)
    if rate != sample_rate:
        raise UserError(f"{path} is at {rate} Hz, expected {sample_rate} Hz: convert it, or name its --sample-rate")
    return signal[:, 0]


def _write(result: Any, out: Path) -> None:
    """Write the files, each whole or not at all, the plan last."""
    from safetensors.torch import save_model

    try:
        out.mkdir(parents=True, exist_ok=True)
        save_model(result.model, str(out / "model.safetensors.part"))
        os.replace(out / "model.safetensors.part", out / "model.safetensors")
        (out / "report.json").write_text(json.dumps(result.report, indent=2) + "\n", encoding="utf-8")
        result.plan.save(out / "plan.json")
    except OSError as error:
        raise UserError(f"cannot write to --out {out}: {error.strerror or error}") from error


def _print(args: argparse.Namespace, report: dict[str, Any]) -> None:
    console = Console()
    table = Table(title=f"{args.model} pruned by {report['method']}")
    for column in ("", "dense", "pruned", "kept"):
        table.add_column(column, justify="right")
    for name, key, scale, unit in (("parameters", "params", 1e6, "M"), ("multiply-adds per second", "macs", 1e6, "M")):
        before, after = report[f"{key}_before"], report[f"{key}_after"]
        table.add_row(name, f"{before / scale:.2f} {unit}", f"{after / scale:.2f} {unit}", f"{after / before:.1%}")
    console.print(table)
    groups = Table()
    for column in ("group", "channels", "kept"):
        groups.add_column(column, justify="left" if column == "group" else "right")
    for group in report["groups"]:
        groups.add_row(group["id"], str(group["channels"]), str(group["kept"]))
    console.print(groups)
    console.print(
        f"The pruned model differs from the masked one by {report['max_abs_difference']:.1e} at most. "
        f"Written to {args.out}."
    )
