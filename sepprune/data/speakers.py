"""Which speakers are heard in which mixture, where a set of mixtures says so."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from ..checked import read_limited
from ..errors import UserError
from .mixtures import MixtureFiles

#: list of the mixtures of a set: columns ``name``, ``speaker1``, ``speaker2``, ... and, where one list describes
#: several folders, ``condition``, the name of the folder
LIST = "info.csv"
_LARGEST = 64 * 2**20
_ADVICE = "remove it, or write it anew"


def speakers_of(mixtures: Sequence[MixtureFiles]) -> list[frozenset[str]] | None:
    """The speakers of every mixture of a folder.

    They are read from the file :data:`LIST` beside the folder of mixtures or one folder above.

    Returns:
        one set a mixture; ``None`` if there is no such file, or it lacks a mixture.

    Raises:
        UserError: the file cannot be read.
    """
    if not mixtures:
        return None
    folder = mixtures[0].mixture.parent.parent
    for place in (folder / LIST, folder.parent / LIST):
        if place.is_file():
            text = read_limited(place, _LARGEST, _ADVICE).decode("utf-8", errors="replace")
            try:
                every = list(csv.DictReader(io.StringIO(text)))
            except csv.Error as error:
                raise UserError(f"{place} is no list of mixtures ({error}): {_ADVICE}") from error
            lines = [line for line in every if line.get("condition", folder.name) == folder.name]
            known = {line.get("name", ""): _speakers(line) for line in lines}
            found = [known.get(files.name, frozenset()) for files in mixtures]
            return found if all(found) else None
    return None


def _speakers(line: dict[str, str]) -> frozenset[str]:
    return frozenset(value for column, value in line.items() if column and column.startswith("speaker") and value)
