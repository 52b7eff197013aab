"""The study as one zip file. It is read in memory and never unpacked, so no name in it can reach another path."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..checked import MALFORMED, shown
from ..errors import UserError
from ..files import is_regular, whole_file
from .design import Design, design_of
from .seal import seal, unseal
from .sound import Signal, samples_of
from .texts import Texts, texts_of

FORMAT, VERSION = "sepprune-study", 1
_INDEX, _KEY, _README = "study.json", "key.sealed", "instructions.txt"
_STIMULUS = re.compile(r"stimuli/[0-9a-f]{16}\.wav\Z")
#: bounds of what is read: files, bytes of one file, bytes of all
MOST_FILES, LARGEST_FILE, LARGEST_STUDY = 5000, 64 * 2**20, 2 * 2**30
#: zip knows no time before; every entry has this one
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Study:
    """A study as read from its file.

    Args:
        path: the zip file.
        design: what is asked. Hidden from listeners.
        texts: what listeners read.
        sample_rate: of every stimulus, in hertz.
        files: (item, condition) -> name of the stimulus. Hidden from listeners.
        facts: what was recorded when the study was made, such as ladder, chunk duration, seed and gains. Hidden.
        hashes: name of a stimulus -> SHA-256 of its file.
        digest: SHA-256 of the study's index and key; results name it.
    """

    path: Path
    design: Design
    texts: Texts
    sample_rate: int
    files: Mapping[tuple[str, str], str]
    facts: Mapping[str, Any]
    hashes: Mapping[str, str]
    digest: str

    def samples(self, name: str) -> Signal:
        """Samples of a stimulus, ``(samples,)``, checked against its hash.

        Raises:
            UserError: the stimulus is missing or damaged.
        """
        with _opened(self.path) as archive:
            content = _read(archive, f"stimuli/{name}.wav", self.path)
        if hashlib.sha256(content).hexdigest() != self.hashes.get(name):
            raise UserError(f"the stimulus {name} of {self.path} is damaged: get the study again")
        signal, rate = samples_of(content, f"the stimulus {name} of {self.path}")
        if rate != self.sample_rate:
            raise UserError(f"the stimulus {name} of {self.path} has {rate} Hz, expected {self.sample_rate} Hz")
        return signal


def write_study(
    path: Path,
    design: Design,
    texts: Texts,
    sample_rate: int,
    stimuli: Mapping[tuple[str, str], bytes],
    seed: int,
    facts: Mapping[str, Any],
) -> Study:
    """Write a study; the same arguments give the same file, byte by byte.

    Args:
        path: the zip file, replaced at once when it is complete.
        design, texts: the study.
        sample_rate: of the stimuli, in hertz.
        stimuli: (item, condition) -> WAV file. Their names in the zip are hashes of the seed.
        seed: of the study.
        facts: what else the report needs.

    Raises:
        UserError: the file cannot be written.
    """
    names = {key: _opaque(seed, *key) for key in stimuli}
    hashes = {names[key]: hashlib.sha256(content).hexdigest() for key, content in stimuli.items()}
    key = seal(
        {
            "design": asdict(design),
            "facts": {**facts, "seed": seed},
            "files": [[*place, name] for place, name in sorted(names.items())],
        }
    ).encode()
    index = {
        "format": FORMAT,
        "version": VERSION,
        "sample_rate": sample_rate,
        "texts": asdict(texts),
        "stimuli": dict(sorted(hashes.items())),
        "key_sha256": hashlib.sha256(key).hexdigest(),
    }
    entries = {
        _INDEX: (json.dumps(index, indent=2, ensure_ascii=False) + "\n").encode(),
        _KEY: key,
        _README: f"{texts.title}\n\n{texts.instructions}\n".encode(),
        **{f"stimuli/{name}.wav": content for name, content in sorted((names[at], stimuli[at]) for at in stimuli)},
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, content in entries.items():
                entry = zipfile.ZipInfo(name, _DATE)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}): choose another file with --out") from error
    return read_study(path)


def read_study(path: Path) -> Study:
    """Read a study; stimuli are read when they are asked for.

    Raises:
        UserError: the file is missing, damaged, too large, or no study.
    """
    with _opened(path) as archive:
        index_text, key = _read(archive, _INDEX, path), _read(archive, _KEY, path)
        names = {Path(name).stem for name in archive.namelist() if _STIMULUS.match(name)}
    index = _object(index_text, path)
    if index.get("format") != FORMAT or index.get("version") != VERSION:
        raise UserError(
            f"{path} has the format {shown(index.get('format'))} {shown(index.get('version'))}, this program reads "
            f"{FORMAT!r} {VERSION}: make the study again, or update the program"
        )
    if index.get("key_sha256") != hashlib.sha256(key).hexdigest():
        raise UserError(f"the key of {path} is damaged: get the study again")
    facts = unseal(key.decode("ascii", "replace"), str(path))
    try:
        files = {(str(item), str(condition)): str(name) for item, condition, name in facts["files"]}
        hashes = {str(name): str(digest) for name, digest in index["stimuli"].items()}
        study = Study(
            path,
            design_of(facts["design"]),
            texts_of(index["texts"]),
            int(index["sample_rate"]),
            files,
            dict(facts["facts"]),
            hashes,
            hashlib.sha256(index_text + key).hexdigest(),
        )
    except MALFORMED as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} is incomplete ({shown(error)}): get the study again") from error
    wanted = {(item.name, one.name) for item in study.design.items for one in study.design.conditions}
    if not wanted <= files.keys() or not set(files.values()) <= names & hashes.keys():
        raise UserError(f"{path} lacks stimuli: get the study again")
    return study


def _opaque(seed: int, item: str, condition: str) -> str:
    return hashlib.sha256(f"{seed}/{item}/{condition}".encode()).hexdigest()[:16]


def _opened(path: Path) -> zipfile.ZipFile:
    if not is_regular(path):
        raise UserError(f"there is no study {path}: give a file that `sepprune study create` wrote")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, RuntimeError) as error:  # RuntimeError: a later version of the format
        raise UserError(
            f"{path} is no study ({shown(error)}): give a file that `sepprune study create` wrote"
        ) from error
    entries = archive.infolist()
    strange = [one.filename for one in entries if not _allowed(one.filename)]
    sizes = [one.file_size for one in entries]
    if strange or len(entries) > MOST_FILES or max(sizes, default=0) > LARGEST_FILE or sum(sizes) > LARGEST_STUDY:
        archive.close()
        problem = f"it holds {shown(strange[0])}" if strange else "it is too large"
        raise UserError(f"{path} is no study: {problem}; give a file that `sepprune study create` wrote")
    return archive


def _allowed(name: str) -> bool:
    return name in (_INDEX, _KEY, _README) or _STIMULUS.match(name) is not None


def _read(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    try:
        with archive.open(name) as file:
            content = file.read(LARGEST_FILE + 1)
    except (KeyError, ValueError, OSError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} lacks a readable {name} ({shown(error)}): get the study again") from error
    if len(content) > LARGEST_FILE:
        raise UserError(f"{name} of {path} is too large: get the study again")
    return content


def _object(content: bytes, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except MALFORMED as error:
        raise UserError(f"{_INDEX} of {path} is not valid JSON ({shown(error)}): get the study again") from error
    if not isinstance(data, dict):
        raise UserError(f"{_INDEX} of {path} holds a JSON {type(data).__name__}, expected an object")
    return data
