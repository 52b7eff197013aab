"""Mixtures that are ready on disk: LRS2-2Mix, Libri2Mix, WHAM! and EchoSet after their official preparation."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..errors import UserError

#: name of a split here, in the order of :attr:`Layout.splits`
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Layout:
    """Where a set's signals lie.

    Args:
        folder: of a split, below the set's root; ``{rate}`` (kHz), ``{length}`` and ``{split}`` are filled in.
        mixture: name of the mixtures; ``{condition}`` is filled in.
        references: names of the two sources.
        splits: the set's own names of its splits, see :data:`SPLITS`.
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
        train: split to train on, ``train`` or a name of the set's own such as ``train-360``.
        condition: ``mix_clean``, or ``mix_both`` with noise, where the set has both.
        length: ``min`` (cut to the shorter voice) or ``max``, where the set has both.
        sample_rate: in hertz, 16000 or 8000 where the set has both.
    """

    name: str = "recordings"
    train: str = "train"
    condition: str = "mix_clean"
    length: str = "min"
    sample_rate: int = 16_000


class PreparedMixtures(Dataset[tuple[Tensor, Tensor]]):
    """The mixtures of one split, whole or as random segments.

    Args:
        root: the set's folder, or the folder of its splits.
        settings: which set.
        split: one of :data:`SPLITS`, or a name of the set's own.
        seconds: length of a segment, each drawn anew with torch's random numbers; ``None`` for whole mixtures. A
            mixture that is shorter is followed by silence.

    Shape:
        - mixture: ``(samples,)``
        - references: ``(2, samples)``

    Raises:
        UserError: there is no such set, folder or file, or a file has another sample rate.
    """

    def __init__(
        self, root: str | os.PathLike[str], settings: DatasetSettings, split: str, seconds: float | None = None
    ) -> None:
        self.settings = settings
        self.samples = None if seconds is None else round(seconds * settings.sample_rate)
        self.files = find_mixtures(Path(root), settings, split)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.read(index, float(torch.rand(())))

    def read(self, index: int, position: float = 0.0) -> tuple[Tensor, Tensor]:
        """One mixture, where segments are asked for the one at ``position``: 0 is the first, just under 1 the last."""
        frames = self._frames(self.files[index][0])
        samples = frames if self.samples is None else self.samples
        start = int(position * (max(0, frames - samples) + 1))
        signals = torch.from_numpy(np.stack([self._load(path, start, samples) for path in self.files[index]]))
        return signals[0], signals[1:]

    def _frames(self, path: Path) -> int:
        try:
            return soundfile.info(path).frames
        except soundfile.LibsndfileError as error:
            raise UserError(f"cannot read {path} ({error}): prepare the set again") from error

    def _load(self, path: Path, start: int, samples: int) -> np.ndarray:
        try:
            signal, rate = soundfile.read(path, samples, start, dtype="float32", always_2d=True, fill_value=0.0)
        except soundfile.LibsndfileError as error:
            raise UserError(f"cannot read {path} ({error}): prepare the set again") from error
        if rate != self.settings.sample_rate:
            raise UserError(
                f"{path} has a sample rate of {rate} Hz, expected {self.settings.sample_rate}: "
                "name another sample_rate, or the folder of files that have it"
            )
        return signal.mean(axis=1)


class PreparedBatches(Dataset[tuple[Tensor, Tensor]]):
    """Batches of segments by number, every mixture once before any comes again.

    As in :class:`~sepprune.training.mixtures.Mixtures`, batch ``i`` depends on ``seed`` and ``i`` alone, so a resumed
    run goes on where it stopped, however many workers make batches.

    Args:
        mixtures: with a length of segments.
        batch: segments in a batch.
        batches: length of this data set.
        seed: of the order and of the segments' places.

    Shape:
        - mixture: ``(batch, samples)``
        - references: ``(batch, 2, samples)``
    """

    def __init__(self, mixtures: PreparedMixtures, batch: int, batches: int, seed: int) -> None:
        self.mixtures, self.batch, self.batches, self.seed = mixtures, batch, batches, seed

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        places = np.random.default_rng([self.seed, index]).random(self.batch)
        numbers = np.arange(index * self.batch, (index + 1) * self.batch)
        rounds, within = np.divmod(numbers, len(self.mixtures))
        orders = {
            turn: np.random.default_rng([self.seed, turn, 1]).permutation(len(self.mixtures))
            for turn in np.unique(rounds)
        }
        examples = [
            self.mixtures.read(int(orders[turn][number]), place)
            for turn, number, place in zip(rounds, within, places, strict=True)
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


def find_mixtures(root: Path, settings: DatasetSettings, split: str) -> list[tuple[Path, Path, Path]]:
    """Files of every mixture of a split and of its two references, in order of their names.

    Raises:
        UserError: there is no such set, folder or file.
    """
    if settings.name not in LAYOUTS:
        raise UserError(f"no prepared set is called {settings.name!r}: choose from {', '.join(LAYOUTS)}")
    layout = LAYOUTS[settings.name]
    own = dict(zip(SPLITS, layout.splits, strict=True)).get(split, split)
    usual = root / layout.folder.format(rate=settings.sample_rate // 1000, length=settings.length, split=own)
    folder = next((path for path in (usual, root / own) if path.is_dir()), None)
    if folder is None:
        raise UserError(
            f"{settings.name} has no folder {usual}: name the folder into which its official scripts "
            "wrote, and a split, length and sample rate that they prepared"
        )
    mixture = layout.mixture.format(condition=settings.condition)
    if layout.folder_per_mixture:
        found = sorted(path for path in folder.rglob(f"{mixture}*") if _is_sound(path))
        files = [
            (path, *(path.with_name(path.name.replace(mixture, name, 1)) for name in layout.references))
            for path in found
        ]
    else:
        for name in (mixture, *layout.references):
            if not (folder / name).is_dir():
                raise UserError(f"{settings.name} has no folder {folder / name}: prepare it, or name another condition")
        found = sorted(path for path in (folder / mixture).iterdir() if _is_sound(path))
        files = [(path, *(folder / name / path.name for name in layout.references)) for path in found]
    if not files:
        raise UserError(f"{settings.name} has no sound files called {mixture} below {folder}: prepare the set again")
    if missing := next((path for paths in files for path in paths[1:] if not path.is_file()), None):
        raise UserError(f"{settings.name} has no file {missing}, which its mixture needs: prepare the set again")
    return files


def _is_sound(path: Path) -> bool:
    return path.suffix.lower() in (".wav", ".flac") and not path.name.startswith(".")
