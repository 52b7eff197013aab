"""The recordings of a data folder or of packs: their list, and their bytes. No path leaves the folder."""

from __future__ import annotations

import csv
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..checked import is_inside, read_limited, shown
from ..errors import UserError
from ..files import reason

#: the file that a folder or a pack must hold
MANIFEST = "manifest.csv"
KINDS = ("speech", "noise", "rir")
#: bytes of a manifest and of a recording; files of a pack
LARGEST_MANIFEST, LARGEST_RECORDING, MOST_FILES = 64 * 2**20, 512 * 2**20, 1_000_000
#: how far a file of a pack may be compressed: recordings hardly can be
MOST_COMPRESSED = 20
_ADVICE = "copy the data again"
_COLUMNS = ("split", "corpus", "speaker", "path")


@dataclass(frozen=True)
class Recording:
    """One line of a manifest."""

    split: str
    corpus: str
    speaker: str
    path: str
    sex: str = ""

    @property
    def kind(self) -> str:
        """``speech``, ``noise`` or ``rir``."""
        return self.path.split("/", 1)[0]


class Collection:
    """The recordings of a data folder, a pack, or a folder of packs.

    Args:
        location: path of the folder or pack.

    Raises:
        UserError: there are none, or a manifest or pack is damaged.
    """

    def __init__(self, location: str | os.PathLike[str]) -> None:
        self.location = Path(location)
        self._packs: dict[str, zipfile.ZipFile] = {}
        try:
            packs = self._open()
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"cannot read {shown(str(self.location))} ({reason(error)}): {_ADVICE}") from error
        manifests = [_from_pack(pack, MANIFEST, LARGEST_MANIFEST) for pack in packs]
        if not packs:
            manifests = [read_limited(self.location / MANIFEST, LARGEST_MANIFEST, _ADVICE)]
        self._recordings = [recording for manifest in manifests for recording in self._listed(manifest)]

    def _open(self) -> list[zipfile.ZipFile]:
        """The packs, none where this is a folder with a manifest."""
        if (self.location / MANIFEST).is_file():
            return []
        files = sorted(self.location.glob("*.pack")) if self.location.is_dir() else [self.location]
        packs = [zipfile.ZipFile(file) for file in files if file.is_file() and zipfile.is_zipfile(file)]
        if not packs:
            raise UserError(
                f"{self.location} holds no training data: expected a folder with a {MANIFEST}, "
                "a file written by `sepprune pack`, or a folder of such files with names *.pack"
            )
        for pack in packs:
            if len(pack.namelist()) > MOST_FILES:
                raise UserError(f"{pack.filename} holds more than {MOST_FILES} files: {_ADVICE}")
            self._packs |= dict.fromkeys(pack.namelist(), pack)
        return packs

    def read(self, path: str) -> bytes:
        """The bytes of one file.

        Raises:
            UserError: it is missing, damaged, too large, or outside the folder.
        """
        if not self._packs:
            return read_limited(self._place(path), LARGEST_RECORDING, _ADVICE)
        if path not in self._packs:
            raise UserError(f"{self.location} lacks the recording {shown(path)} of its {MANIFEST}: {_ADVICE}")
        return _from_pack(self._packs[path], path, LARGEST_RECORDING)

    def version(self, path: str) -> list[int]:
        """Numbers that change when a recording changes: size and time of a file, size and checksum in a pack.

        Raises:
            UserError: it is missing, or outside the folder.
        """
        if self._packs:
            if path not in self._packs:
                raise UserError(f"{self.location} lacks the recording {shown(path)} of its {MANIFEST}: {_ADVICE}")
            info = self._packs[path].getinfo(path)
            return [info.file_size, info.CRC]
        try:
            found = self._place(path).stat()
        except OSError as error:
            raise UserError(f"cannot read {self.location / path} ({reason(error)}): {_ADVICE}") from error
        return [found.st_size, found.st_mtime_ns]

    def recordings(self, split: str, kind: str) -> list[Recording]:
        """All recordings of one kind (``speech``, ``noise``, ``rir``) in one split."""
        return [recording for recording in self._recordings if recording.split == split and recording.kind == kind]

    def _listed(self, manifest: bytes) -> Iterator[Recording]:
        where = f"the {MANIFEST} of {self.location}"
        try:
            for number, line in enumerate(csv.DictReader(io.StringIO(manifest.decode("utf-8"))), 2):
                if missing := [column for column in _COLUMNS if line.get(column) is None]:
                    raise UserError(f"line {number} of {where} has no {missing[0]}: expected {', '.join(_COLUMNS)}")
                path = line["path"]
                if not is_inside(path) or "/" not in path or path.split("/", 1)[0] not in KINDS:
                    raise UserError(
                        f"line {number} of {where} has the path {shown(path)}, expected one below "
                        f"{', '.join(f'{kind}/' for kind in KINDS)}: correct it"
                    )
                yield Recording(line["split"], line["corpus"], line["speaker"], path, line.get("sex") or "")
        except (UnicodeDecodeError, csv.Error) as error:
            raise UserError(f"{where} is no CSV file in UTF-8 ({error}): {_ADVICE}") from error

    def _place(self, path: str) -> Path:
        """The file of a recording, refused where a link leads out of the folder."""
        place = (self.location / path).resolve()
        if not place.is_relative_to(self.location.resolve()):
            raise UserError(
                f"{self.location / path} is a link to {place}, outside the data folder: copy the file into the folder"
            )
        return place


def _from_pack(pack: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A file of a pack, read only if it does not expand beyond reason."""
    where = f"{shown(name)} in {pack.filename}"
    try:
        info = pack.getinfo(name)
        if info.file_size > most or info.file_size > max(2**20, MOST_COMPRESSED * info.compress_size):
            raise UserError(
                f"{where} would expand to {info.file_size / 1e6:.0f} MB: use a file that sepprune pack wrote"
            )
        with pack.open(info) as file:
            content = file.read(info.file_size + 1)
    except KeyError as error:
        raise UserError(f"{pack.filename} lacks {shown(name)}: {_ADVICE}") from error
    except (OSError, ValueError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{where} is damaged ({reason(error)}): {_ADVICE}") from error
    if len(content) != info.file_size:
        raise UserError(f"{where} is damaged (its size is wrong): {_ADVICE}")
    return content
