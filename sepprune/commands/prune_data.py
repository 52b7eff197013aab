"""Batches for ``sepprune prune --data``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    from ..pruning.batches import Batch


def batches(args: argparse.Namespace, hop: int) -> Iterable[Batch] | None:
    """Batches ``(mixture, references)`` from the folder of ``--data``; ``None`` for a method that needs no data.

    Args:
        args: of ``sepprune prune``.
        hop: mixtures are a whole number of hops long.

    Raises:
        UserError: there is no data where the method needs some, or the folder does not fit the options.
    """
    from ..data.crops import CropBatches
    from ..data.mixtures import find, mixture_folder
    from ..pruning.methods.registry import METHODS, WITHOUT_DATA

    if args.dataset is None and args.data is None:
        if args.method in WITHOUT_DATA or args.method not in METHODS:
            return None
        raise UserError(
            f"--method {args.method} looks at mixtures: name them with --data, or choose one that looks at "
            f"weights alone: {', '.join(WITHOUT_DATA)}"
        )
    if args.dataset is None:
        folder, samples = Path(args.data), _samples(args, hop)
        _check_kind(folder)
        if mixture_folder(folder) is None:
            return _training_mixtures(args, samples, hop)
        return CropBatches(find(folder), args.batch, samples, _rate(args), args.seed)
    if args.data is None:
        raise UserError(f"--dataset {args.dataset} needs its folder: name its folder with --data")
    from torch.utils.data import DataLoader

    from ..data.datasets import DatasetSettings, PreparedBatches, PreparedMixtures

    settings = DatasetSettings(args.dataset, args.split, args.condition, args.length, _rate(args))
    mixtures = PreparedMixtures(args.data, settings, args.split, _samples(args, hop) / _rate(args))
    return DataLoader(PreparedBatches(mixtures, args.batch, args.steps + 64, args.seed), batch_size=None, shuffle=False)


def _rate(args: argparse.Namespace) -> int:
    """Sample rate of the separator in hertz, or what the user says that it is."""
    return int(args.sample_rate or 16_000)


def _samples(args: argparse.Namespace, hop: int) -> int:
    """Length of a mixture in samples, whole hops."""
    return max(hop, round(float(args.seconds) * _rate(args)) // hop * hop)


def _check_kind(folder: Path) -> None:
    """Refuse a path that is missing, or neither mixtures nor training data."""
    from ..data.collection import MANIFEST
    from ..data.mixtures import mixture_folder

    kinds = (
        f"give a folder with mix/, s1/ and s2/, a folder with speech/ and a {MANIFEST}, or a file written by "
        "`sepprune pack`, or add --dataset NAME for a data set as its scripts wrote it"
    )
    if not folder.exists():
        raise UserError(f"--data {folder} does not exist: {kinds}")
    known = mixture_folder(folder) is not None or (folder / MANIFEST).is_file() or any(folder.glob("*.pack"))
    if folder.is_dir() and not known:
        raise UserError(f"--data {folder} has neither mixtures nor a {MANIFEST}: {kinds}")


def _training_mixtures(args: argparse.Namespace, samples: int, hop: int) -> Iterable[Batch]:
    """Mixtures made from a training data folder or pack, at the rate of the separator."""
    from torch.utils.data import DataLoader

    from ..data.collection import Collection
    from ..data.corpus import SAMPLE_RATE
    from ..training.mixtures import Mixtures, MixtureSettings, load_sounds
    from ..training.rates import Rate, at_rate

    rate = Rate(SAMPLE_RATE, _rate(args), hop)
    settings = MixtureSettings(seconds=samples / _rate(args), batch=args.batch)
    sounds = load_sounds(Collection(Path(args.data)), "train", settings)
    mixtures = Mixtures(settings, sounds, args.steps + 64, args.seed)
    return DataLoader(at_rate(mixtures, rate), batch_size=None, shuffle=False)
