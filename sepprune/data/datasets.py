"""Prepared sets of mixtures on disk: LRS2-2Mix, Libri2Mix, WHAM! and EchoSet, as their official scripts write them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..errors import UserError
from .mixtures import MixtureFiles, match, sound_files

#: folder of one sample rate in kHz, as in ``wav8k``
_RATE = re.compile(r"wav(\d+)k")

#: folders in an error message
_SHOWN = 8

#: our names of the splits, in the order of :attr:`Layout.splits`
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Layout:
    """Where the files of a set are.

    Args:
        folder: of a split, below the root of the set; ``{rate}`` (kHz), ``{length}`` and ``{split}`` are filled in.
        mixture: name of the mixtures; ``{condition}`` is filled in.
        references: names of the two sources.
        splits: names of the splits in this set, see :data:`SPLITS`.
        folder_per_mixture: ``.../anything/mix.wav`` beside its sources, instead of ``mix/anything.wav``.
    """

    folder: str
    mixture: str
    references: tuple[str, str] = ("s1", "s2")
    splits: tuple[str, str, str] = ("tr", "cv", "tt")
    folder_per_mixture: bool = False


LAYOUTS = {
    "lrs2-2mix": Layout("wav{rate}k/{length}/{split}", "mix"),
    "libri2mix": Layout("wav{rate}k/{length}/{split}", "{condition}", splits=("train-100", "dev", "test")),
    "wham": Layout("wav{rate}k/{length}/{split}", "{condition}"),
    "echoset": Layout(
        "{split}", "mix", ("spk1_reverb", "spk2_reverb"), ("train", "val", "test"), folder_per_mixture=True
    ),
}


@dataclass(frozen=True)
class DatasetSettings:
    """Which mixtures of which set.

    Args:
        name: ``recordings`` (mixed anew for every batch, see :mod:`~sepprune.training.mixtures`), or a prepared set:
            one of :data:`LAYOUTS`.
        train: split to train on, ``train`` or a name that the set uses, such as ``train-360``.
        condition: ``mix_clean``, or ``mix_both`` with noise, where the set has both.
        length: ``min`` (cut to the shorter voice) or ``max``, where the set has both.
        sample_rate: in hertz, 16000 or 8000 where the set has both; files at another rate are resampled. Where the set
            has no folder of this rate, that of the next higher one is read.
    """

    name: str = "recordings"
    train: str = "train"
    condition: str = "mix_clean"
    length: str = "min"
    sample_rate: int = 16_000


class PreparedMixtures(Dataset[tuple[Tensor, Tensor]]):
    """The mixtures of one split, whole or as random segments.

    Args:
        root: folder of the set, or folder of its splits.
        settings: which set.
        split: one of :data:`SPLITS`, or a name that the set uses.
        seconds: length of a segment, which is drawn with torch's random numbers; ``None`` for whole mixtures. Shorter
            mixtures are followed by silence.

    Shape:
        - mixture: ``(samples,)``
        - references: ``(2, samples)``

    Raises:
        UserError: there is no such set, folder or file.
    """

    def __init__(
        self, root: str | os.PathLike[str], settings: DatasetSettings, split: str, seconds: float | None = None
    ) -> None:
        self.settings = settings
        self.samples = None if seconds is None else round(seconds * settings.sample_rate)
        self.files = find_prepared(Path(root), settings, split)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.read(index, float(torch.rand(())))

    def read(self, index: int, position: float = 0.0) -> tuple[Tensor, Tensor]:
        """One mixture, or its segment at ``position``: 0 is the first segment, just under 1 the last."""
        files = self.files[index]
        frames = files.frames(self.settings.sample_rate)
        samples = frames if self.samples is None else self.samples
        start = int(position * (max(0, frames - samples) + 1))
        signals = torch.from_numpy(files.read(self.settings.sample_rate, start, samples))
        return signals[0], signals[1:]


class PreparedBatches(Dataset[tuple[Tensor, Tensor]]):
    """Batches of segments by number; every mixture is used once before any is used again.

    As in :class:`~sepprune.training.mixtures.Mixtures`, batch ``i`` depends on ``seed`` and ``i`` alone, so a resumed
    run continues with the right batch, however many workers make batches.

    Args:
        mixtures: with a segment length.
        batch: segments in a batch.
        batches: length of this data set.
        seed: of the order and the positions of segments.

    Shape:
        - mixture: ``(batch, samples)``
        - references: ``(batch, 2, samples)``
    """

    def __init__(self, mixtures: PreparedMixtures, batch: int, batches: int, seed: int) -> None:
        self.mixtures, self.batch, self.batches, self.seed = mixtures, batch, batches, seed

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        positions = np.random.default_rng([self.seed, index]).random(self.batch)
        numbers = np.arange(index * self.batch, (index + 1) * self.batch)
        rounds, within = np.divmod(numbers, len(self.mixtures))
        orders = {
            turn: np.random.default_rng([self.seed, turn, 1]).permutation(len(self.mixtures))
            for turn in np.unique(rounds).tolist()
        }
        examples = [
            self.mixtures.read(int(orders[turn][number]), position)
            for turn, number, position in zip(rounds.tolist(), within, positions, strict=True)
        ]
        mixtures, references = zip(*examples, strict=True)
        return torch.stack(mixtures), torch.stack(references)


def fixed_set(mixtures: PreparedMixtures, count: int) -> tuple[Tensor, Tensor]:
    """The first segments of ``count`` mixtures spread evenly over a split, always the same: for validation.

    Shape:
        - mixtures: ``(count, samples)``, references: ``(count, 2, samples)``; fewer where the split has fewer
    """
    chosen = np.linspace(0, len(mixtures) - 1, min(count, len(mixtures))).round().astype(int)
    parts = [mixtures.read(int(index)) for index in chosen]
    return torch.stack([mixture for mixture, _ in parts]), torch.stack([references for _, references in parts])


def find_prepared(root: Path, settings: DatasetSettings, split: str) -> tuple[MixtureFiles, ...]:
    """All mixtures of a split, in order of their paths.

    Raises:
        UserError: there is no such set, folder or file.
    """
    if settings.name not in LAYOUTS:
        raise UserError(f"no prepared set is called {settings.name!r}: choose from {', '.join(LAYOUTS)}")
    layout = LAYOUTS[settings.name]
    own = dict(zip(SPLITS, layout.splits, strict=True)).get(split, split)
    places = _places(root, layout, settings, own)
    folder = next((path for path in places if path.is_dir()), None)
    if folder is None:
        others = "".join(f" or {path}" for path in places[1:])
        raise UserError(
            f"{settings.name} has no folder {places[0]}{others}: {_what_is_in(root)}; name the folder that its "
            "official scripts wrote, and a split, length and sample rate that they prepared"
        )
    mixture = layout.mixture.format(condition=settings.condition)
    if layout.folder_per_mixture:
        found = sound_files(folder.rglob(f"{mixture}*"))
    else:
        for name in (mixture, *layout.references):
            if not (folder / name).is_dir():
                raise UserError(
                    f"{settings.name} has no folder {folder / name}: prepare it, or name another condition; "
                    f"{_what_is_in(folder)}"
                )
        found = sound_files((folder / mixture).iterdir())
    if not found:
        raise UserError(f"{settings.name} has no sound files called {mixture} below {folder}: prepare the set again")
    return match(found, lambda path: tuple(_reference(path, mixture, name, layout) for name in layout.references))


def _places(root: Path, layout: Layout, settings: DatasetSettings, split: str) -> list[Path]:
    """Where a split may be, best first.

    ``root`` is the folder of the set, or that of one sample rate, or that of the splits. A higher rate than the wanted
    one will do, since files are resampled; a lower one lacks the high frequencies, so it is only taken where ``root``
    says so.
    """
    rate = settings.sample_rate // 1000

    def at(rate: int) -> Path:
        return root / layout.folder.format(rate=rate, length=settings.length, split=split)

    rates = [int(found[1]) for path in root.glob("wav*k") if (found := _RATE.fullmatch(path.name))]
    higher = [at(other) for other in sorted(rates) if other > rate]
    of_one_rate = layout.folder.partition("/")[2].format(length=settings.length, split=split)
    return list(dict.fromkeys([at(rate), *([root / of_one_rate] if of_one_rate else []), root / split, *higher]))


def _what_is_in(folder: Path) -> str:
    """The folders in a folder, for messages."""
    if not folder.is_dir():
        return f"{folder} does not exist"
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    return f"{folder} has " + (", ".join(names[:_SHOWN]) + ", …" * (len(names) > _SHOWN) if names else "no folders")


def _reference(path: Path, mixture: str, name: str, layout: Layout) -> Path:
    if layout.folder_per_mixture:
        return path.with_name(path.name.replace(mixture, name, 1))
    return path.parent.with_name(name) / path.name
