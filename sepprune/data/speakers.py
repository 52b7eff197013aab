"""Which speakers are heard in which mixture, where a set of mixtures says so."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..checked import read_limited
from ..errors import UserError
from .mixtures import MixtureFiles

#: list of the mixtures of a set: columns ``name``, ``speaker1``, ``speaker2``, ... and, where one list describes
#: several folders, ``condition``, the name of the folder
LIST = "info.csv"
_COLUMNS = ("name", "speaker1", "speaker2")
_LARGEST = 64 * 2**20
_ADVICE = "remove it, or write it anew"


@dataclass(frozen=True)
class Speakers:
    """Who speaks in the mixtures of a folder.

    Attributes:
        by_mixture: one set a mixture; ``None`` where that is not known.
        note: a sentence for the user where a list is there that does not say it, else ``None``.
    """

    by_mixture: tuple[frozenset[str], ...] | None = None
    note: str | None = None


def speakers_of(mixtures: Sequence[MixtureFiles]) -> Speakers:
    """The speakers of every mixture of a folder.

    They are read from the file :data:`LIST` beside the folder of mixtures or one folder above. Columns may be separated
    by commas, semicolons or tabs, and names may have the ending of the files.

    Raises:
        UserError: the file cannot be read, or is no table.
    """
    folder = mixtures[0].mixture.parent.parent if mixtures else Path()
    place = next((path for path in (folder / LIST, folder.parent / LIST) if mixtures and path.exists()), None)
    if place is None:
        return Speakers()
    text = read_limited(place, _LARGEST, _ADVICE).decode("utf-8-sig", errors="replace")
    if "\0" in text:
        raise UserError(f"{place} is no table of mixtures: {_ADVICE}")
    head = text.partition("\n")[0]
    try:
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
        lines, columns = list(table), table.fieldnames or ()
    except csv.Error as error:
        raise UserError(f"{place} is no table of mixtures ({error}): {_ADVICE}") from error
    consequence = "so all mixtures count as independent, and intervals may be too narrow"
    if missing := [column for column in _COLUMNS if column not in columns]:
        return Speakers(None, f"{place} has no column {' and no '.join(missing)}, {consequence}")
    known = {
        _name(line["name"], mixtures): _speakers(line)
        for line in lines
        if line["name"] and line.get("condition", folder.name) == folder.name
    }
    found = tuple(known.get(files.name, frozenset()) for files in mixtures)
    if not all(found):
        count = sum(not speakers for speakers in found)
        return Speakers(
            None, f"{place} does not say who speaks in {count} of the {len(found)} mixtures of {folder}, {consequence}"
        )
    return Speakers(found)


def _name(written: str, mixtures: Sequence[MixtureFiles]) -> str:
    """The name of a mixture, which may be written with the ending of its file."""
    return written.removesuffix(mixtures[0].mixture.suffix)


def _speakers(line: dict[str, str]) -> frozenset[str]:
    return frozenset(value for column, value in line.items() if column and column.startswith("speaker") and value)
