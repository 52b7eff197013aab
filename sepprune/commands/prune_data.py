"""Batches for ``sepprune prune --data``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..pruning.objective import Batch


def batches(args: argparse.Namespace, hop: int) -> Iterable[Batch] | None:
    """Batches ``(mixture, references)`` from the folder of ``--data``; ``None`` for a method that needs no data.

    Args:
        args: of ``sepprune prune``.
        hop: mixtures are a whole number of hops long.

    Raises:
        UserError: there is no data where the method needs some, or the folder does not fit the options.
    """
    from ..pruning.methods.registry import METHODS, WITHOUT_DATA

    if args.dataset is None and args.data is None:
        if args.method in WITHOUT_DATA or args.method not in METHODS:
            return None
        raise UserError(
            f"--method {args.method} looks at mixtures: name them with --data, or choose one that looks at "
            f"weights alone: {', '.join(WITHOUT_DATA)}"
        )
    if args.dataset is None:
        triples = _triples(Path(args.data))
        samples = _samples(args, hop)
        return _Crops(triples, samples, args) if triples else _training_mixtures(args, samples)
    if args.data is None:
        raise UserError(f"--dataset {args.dataset} needs its folder: name its folder with --data")
    from torch.utils.data import DataLoader

    from ..data.datasets import DatasetSettings, PreparedBatches, PreparedMixtures

    settings = DatasetSettings(args.dataset, args.split, args.condition, args.length, args.sample_rate)
    mixtures = PreparedMixtures(args.data, settings, args.split, _samples(args, hop) / args.sample_rate)
    return DataLoader(PreparedBatches(mixtures, args.batch, args.steps + 64, args.seed), batch_size=None, shuffle=False)


def _samples(args: argparse.Namespace, hop: int) -> int:
    """Length of a mixture in samples, whole hops."""
    return max(hop, round(float(args.seconds) * int(args.sample_rate)) // hop * hop)


def _training_mixtures(args: argparse.Namespace, samples: int) -> Iterable[Batch]:
    """Mixtures made from a training data folder or pack."""
    from torch.utils.data import DataLoader

    from ..data.corpus import Collection
    from ..training.mixtures import Mixtures, MixtureSettings, load_sounds

    if args.sample_rate != 16_000:
        raise UserError(
            f"training data is at 16000 Hz, --sample-rate is {args.sample_rate}: "
            "give a folder with mix/, s1/ and s2/ at that rate"
        )
    settings = MixtureSettings(seconds=samples / 16_000, batch=args.batch)
    sounds = load_sounds(Collection(Path(args.data)), "train", settings)
    mixtures = Mixtures(settings, sounds, args.steps + 64, args.seed)
    return DataLoader(mixtures, batch_size=None, shuffle=False)


class _Crops:
    """Batches of random excerpts of mixture and source files, others on every pass.

    Args:
        triples: files of every mixture and its two sources.
        samples: length of an excerpt.
        args: of ``sepprune prune``.
    """

    def __init__(self, triples: Sequence[tuple[Path, ...]], samples: int, args: argparse.Namespace) -> None:
        self.triples, self.samples, self.args = triples, samples, args
        self.passes = 0

    def __iter__(self) -> Iterator[Batch]:
        import numpy as np
        import soundfile
        import torch

        self.passes += 1
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
    """Files of equal names in the folders of mixtures and sources; none where there are no such folders."""
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


def _crop(path: Path, start: int, samples: int, sample_rate: int) -> NDArray[np.float32]:
    """The first channel of an excerpt, ``(samples,)``."""
    import soundfile

    signal, rate = soundfile.read(path, samples, start, dtype="float32", always_2d=True, fill_value=0.0)
    if rate != sample_rate:
        raise UserError(f"{path} is at {rate} Hz, expected {sample_rate} Hz: convert it, or name its --sample-rate")
    first: NDArray[np.float32] = signal[:, 0]
    return first
