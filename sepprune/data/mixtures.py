"""Folders of mixtures and their references: the one finder and the one reader for all commands.

A folder holds a folder of mixtures (see :data:`MIXTURE_FOLDERS`) and the reference folders ``s1``, ``s2``, ...; the
files of one mixture have the same name in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import UserError
from .sound import Signal, frames_of, read_part

#: Names of the folder of mixtures, in order of preference. ``mix`` is ours and LRS2-2Mix's. LibriMix and WHAM! may have
#: both a clean and a noisy folder beside the same references; the clean one comes first, because its mixtures are the
#: sum of the references, which is what pruning and training expect. To choose the noisy one, name it as the condition.
MIXTURE_FOLDERS = ("mix", "mix_clean", "mix_clean_min", "mix_both", "mix_both_min")
_SUFFIXES = (".wav", ".flac")


@dataclass(frozen=True)
class MixtureFiles:
    """The files of one mixture.

    Args:
        name: file name of the mixture without its suffix.
        mixture: the mixture.
        references: one file per source.
    """

    name: str
    mixture: Path
    references: tuple[Path, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The mixture, then its references."""
        return self.mixture, *self.references

    def frames(self, sample_rate: int) -> int:
        """Samples of the shortest file at ``sample_rate`` hertz.

        Raises:
            UserError: a file cannot be read.
        """
        return min(frames_of(path, sample_rate) for path in self.paths)

    def read(self, sample_rate: int, start: int = 0, frames: int = -1) -> Signal:
        """The same part of the mixture and of every reference, several channels averaged to one.

        Args:
            sample_rate: of the result, in hertz; files at another rate are resampled.
            start: first sample, at that rate.
            frames: samples at that rate, zeros after the end of a file; -1 for all that every file has.

        Returns:
            ``(1 + sources, frames)``, the mixture first.

        Raises:
            UserError: a file cannot be read.
        """
        frames = self.frames(sample_rate) - start if frames < 0 else frames
        return np.stack([read_part(path, sample_rate, start, frames) for path in self.paths])


def mixture_folder(folder: Path, condition: str | None = None) -> Path | None:
    """The folder of mixtures that :func:`find` reads, ``None`` if there is none with references beside it.

    Args:
        folder: where to look.
        condition: name of the folder of mixtures instead of :data:`MIXTURE_FOLDERS`.
    """
    names = MIXTURE_FOLDERS if condition is None else (condition,)
    place = next((folder / name for name in names if (folder / name).is_dir()), None)
    return place if len(_reference_folders(folder)) >= 2 else None


def find(folder: Path, condition: str | None = None) -> tuple[MixtureFiles, ...]:
    """All mixtures of a folder, in order of their names.

    Args:
        folder: holds mixtures and references.
        condition: name of the folder of mixtures; by default the first of :data:`MIXTURE_FOLDERS` that exists.

    Raises:
        UserError: the folder has no mixtures, or a mixture lacks a reference.
    """
    place = mixture_folder(folder, condition)
    if place is None:
        names = ", ".join(MIXTURE_FOLDERS[:-1]) + f" or {MIXTURE_FOLDERS[-1]}" if condition is None else condition
        fault = "is no folder of mixtures" if folder.exists() else "does not exist"
        raise UserError(f"{folder} {fault}: expected {names} beside s1 and s2, with equally named WAV or FLAC files")
    files = sound_files(place.iterdir())
    if not files:
        raise UserError(f"{place} holds no WAV or FLAC files: give a folder with mixtures")
    references = _reference_folders(folder)
    return match(files, lambda path: tuple(reference / path.name for reference in references))


def sound_files(paths: Iterable[Path]) -> list[Path]:
    """The WAV and FLAC files among these paths, sorted, without hidden ones."""
    return sorted(path for path in paths if path.suffix.lower() in _SUFFIXES and not path.name.startswith("."))


def match(mixtures: Iterable[Path], references_of: Callable[[Path], tuple[Path, ...]]) -> tuple[MixtureFiles, ...]:
    """Mixtures with their references.

    Args:
        mixtures: files.
        references_of: names the references of a mixture.

    Raises:
        UserError: a reference is missing.
    """
    found = tuple(MixtureFiles(path.stem, path, references_of(path)) for path in mixtures)
    for files in found:
        for reference in files.references:
            if not reference.is_file():
                raise UserError(
                    f"the mixture {files.mixture} has no reference: there is no file {reference}; complete the folder"
                )
    return found


def _reference_folders(folder: Path) -> list[Path]:
    return sorted(part for part in folder.glob("s*") if re.fullmatch(r"s\d", part.name) and part.is_dir())
