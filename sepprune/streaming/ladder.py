"""The ladder folder: one separator at several sizes, as safetensors and JSON."""

from __future__ import annotations

import hashlib
import operator
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.numpy

from ..checked import RATES, Table, parse_json, read_limited, shown
from ..errors import UserError
from ..extras import require
from ..files import is_regular, reason
from ..resources import asset
from .building import LARGEST_MODEL, Settings, build_level, checked_settings
from .weights import Array, not_finite, single_precision

if TYPE_CHECKING:
    from ..pruning import PruningPlan
    from ..separators.base import CausalSeparator

FORMAT, VERSION, INDEX = "sepprune-ladder", 3, "ladder.json"
#: version 1 had nothing rounded, version 2 no rounded filters
_READABLE = (1, 2, VERSION)
_LEVEL_KEYS = frozenset(
    "level model weights sha256 plan plan_sha256 segment params macs_per_second si_sdri".split()  # others are facts
)
#: largest values that are read; far beyond what a processor can stream
MOST_LEVELS, LARGEST_INDEX, LARGEST_PLAN, LARGEST_WEIGHTS = 64, 4 * 2**20, 32 * 2**20, 128 * 2**20
_COPY = "copy the ladder again"
#: settings that all levels share with the index, and their defaults in :class:`sepprune.separators.CausalSeparator`
SHARED = {"sample_rate": 16_000, "sources": 2, "hop": 128, "window": 256}


@dataclass(frozen=True)
class Level:
    """One level of a ladder: where its weights are, and the facts measured when it was made.

    Args:
        folder: the ladder's folder.
        level: its number, 0 is dense.
        model: separator name, as :func:`sepprune.separators.build_separator` takes it.
        settings: the separator's settings before pruning.
        weights, sha256: file name of the weights, and the hash of its content.
        plan, plan_sha256: the same of the pruning plan; ``None`` where nothing was pruned; old ladders have no hash.
        segment: frames after which the state needs upkeep, ``None`` where it needs none.
        params, macs_per_second: cost.
        si_sdri: SI-SDR improvement in dB by test condition, ``None`` where it was not measured.
        facts: whatever else was recorded about the level.
    """

    folder: Path
    level: int
    model: str
    settings: Settings
    weights: str
    sha256: str
    plan: str | None
    plan_sha256: str | None
    segment: int | None
    params: int
    macs_per_second: float
    si_sdri: Mapping[str, float] | None
    facts: Mapping[str, Any]

    def read_weights(self) -> bytes:
        """The weights file, checked against its hash."""
        return self._checked(self.weights, self.sha256, LARGEST_WEIGHTS)

    def read_plan(self) -> bytes | None:
        """The pruning plan file, checked against its hash; ``None`` where nothing was pruned."""
        return None if self.plan is None else self._checked(self.plan, self.plan_sha256, LARGEST_PLAN)

    def check(self) -> None:
        """Read the files of the level, so that faults are found before work begins.

        Raises:
            UserError: a file is missing or damaged, or weights are not finite.
        """
        self._plan_data()
        self.arrays()

    def arrays(self) -> dict[str, Array]:
        """The weights in single precision by name. Torch is not needed."""
        content = self.read_weights()
        try:
            arrays = single_precision(safetensors.numpy.load(content))
        except (safetensors.SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"{self.folder / self.weights} is no safetensors file ({reason}): {_COPY}") from error
        if sum(array.size for array in arrays.values()) > LARGEST_MODEL:
            raise UserError(f"{self.folder / self.weights} has more than {LARGEST_MODEL / 1e6:.0f} million weights")
        if name := not_finite(arrays):
            raise UserError(
                f"{self.folder / self.weights} has numbers in {name} that are infinite or NaN, and its output "
                "would be too: train the level again"
            )
        return arrays

    def _checked(self, name: str, expected: str | None, most: int) -> bytes:
        """A file of the level, compared with the hash in the index where there is one."""
        content = read_limited(self.folder / name, most, _COPY)
        found = hashlib.sha256(content).hexdigest()
        if expected is not None and found != expected:
            if self._is_replaced(expected):
                raise UserError(
                    f"{self.folder} holds another ladder since it was opened, so {name} is not read: open the ladder "
                    "again"
                )
            raise UserError(
                f"{self.folder / name} is damaged: its SHA-256 is {found[:12]}..., {INDEX} says "
                f"{expected[:12]}...; {_COPY}"
            )
        return content

    def _is_replaced(self, expected: str) -> bool:
        """Whether the index on the disk is another one than when the ladder was loaded: it lacks a hash."""
        try:
            return expected.encode() not in read_limited(self.folder / INDEX, LARGEST_INDEX, _COPY)
        except UserError:
            return False

    def build(self) -> CausalSeparator:
        """The level as a torch module in evaluation mode: fresh, pruned by its plan, weights loaded strictly."""
        require("torch", extra="train", purpose="a level as a torch module")
        weights, plan = self.arrays(), self._read_plan()
        try:
            module = build_level(self.model, self.settings, plan, weights)
            if module.segment != self.segment:
                raise ValueError(f"its segments have {module.segment} frames, {INDEX} says {self.segment}")
            return module
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, ArithmeticError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"level {self.level} of {self.folder} does not fit this version's {self.model} "
                f"({reason}): write the ladder again"
            ) from error

    def _plan_data(self) -> dict[str, Any] | None:
        """The content of the plan file. An old index has no hash of it, so it can be damaged without notice."""
        content = self.read_plan()
        return None if content is None else parse_json(content, f"{self.folder}/{self.plan}", _COPY)

    def _read_plan(self) -> PruningPlan | None:
        data = self._plan_data()
        if data is None:
            return None
        from ..pruning import PruningPlan

        path = f"{self.folder}/{self.plan}"
        try:
            return PruningPlan.from_json(data)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(f"{path} is no pruning plan ({' '.join(str(error).split())[:200]}): {_COPY}") from error


@dataclass(frozen=True)
class Ladder:
    """The ordered levels of one separator, in one folder.

    Args:
        folder: its path.
        name: what it is called.
        sample_rate: in hertz.
        sources: number of sources.
        hop, window: samples between frames, samples under one synthesis frame.
        card: facts as free text, such as training data and licences.
        levels: level 0 first.
        digest: SHA-256 of the index, and so of the whole ladder: the index has the hashes of weights and plans.
    """

    folder: Path
    name: str
    sample_rate: int
    sources: int
    hop: int
    window: int
    card: Mapping[str, Any]
    levels: tuple[Level, ...]
    digest: str = ""

    @property
    def delay(self) -> int:
        """Samples by which the sources lag the mixture."""
        return self.window - self.hop

    def __getitem__(self, level: int) -> Level:
        if not hasattr(level, "__index__"):
            raise UserError(f"a level is a whole number from 0 to {len(self.levels) - 1}, not {level!r}")
        if not 0 <= operator.index(level) < len(self.levels):
            raise UserError(
                f"the ladder {self.name} has no level {level}: choose from 0 (dense) to "
                f"{len(self.levels) - 1} (lightest)"
            )
        return self.levels[level]

    def build(self, level: int) -> CausalSeparator:
        """The level as a torch module, see :meth:`Level.build`."""
        return self[level].build()

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> Ladder:
        """Read a ladder folder; weights are read when a level is built.

        Args:
            path: the folder; ``None`` is the bundled ladder.

        Raises:
            UserError: the folder or a file of it is missing or damaged.
        """
        folder = asset("ladder") if path is None else Path(path)
        index = folder / INDEX
        try:
            if not folder.is_dir():
                raise UserError(f"there is no ladder folder {folder}: give a folder that holds {INDEX}")
            found = index.is_file()
        except (OSError, ValueError) as error:  # a name that is too long, or has a null character
            if isinstance(error, UserError):
                raise
            raise UserError(f"there is no ladder folder {shown(str(folder))} ({reason(error)})") from error
        if not found:
            if (folder / "plan.json").is_file() and (folder / "model.safetensors").is_file():
                raise UserError(
                    f"{folder} is the result of `sepprune prune`, no ladder: load it in Python with "
                    "sepprune.load_pruned, or let `sepprune ladder` prune, fine-tune and write levels"
                )
            raise UserError(f"{folder} is no ladder: it holds no {INDEX}; give a folder that `sepprune ladder` wrote")
        content = read_limited(index, LARGEST_INDEX, _COPY)
        data = Table(parse_json(content, index, _COPY), str(index), _COPY)
        if data.data.get("format") != FORMAT:
            found_format = shown(data.data.get("format"))
            raise UserError(f"{index} is no ladder index: its format is {found_format}, expected {FORMAT!r}")
        if data.data.get("version") not in _READABLE:
            raise UserError(
                f"{index} has format version {shown(data.data.get('version'))}, this program reads up to {VERSION}: "
                "update the older of the two"
            )
        entries = data.tables("levels", MOST_LEVELS)
        if not entries:
            raise UserError(f"{index} must list levels 0, 1, 2, ... in order: {_COPY}")
        hop = data.integer("hop", 1, 65_536)
        return cls(
            folder,
            data.text("name"),
            data.integer("sample_rate", *RATES),
            data.integer("sources", 1, 16),
            hop,
            data.integer("window", hop, 65_536),
            data.table("card").data if data.has("card") else {},
            tuple(_level(folder, data, number, entry) for number, entry in enumerate(entries)),
            hashlib.sha256(content).hexdigest(),
        )


def _level(folder: Path, index: Table, number: int, entry: Table) -> Level:
    if entry.integer("level", 0, MOST_LEVELS) != number:
        raise UserError(f"{index.where} must list levels 0, 1, 2, ... in order: {_COPY}")
    model, plan = entry.table("model"), None
    settings = checked_settings(model.table("settings"))
    for key, default in SHARED.items():
        if settings.get(key, default) != index.data[key]:
            raise UserError(
                f"level {number} of {folder} has {key} {settings.get(key, default)}, {INDEX} says {index.data[key]}: "
                "a ladder has one; write it again"
            )
    segment = None if entry.data.get("segment", 0) is None else entry.integer("segment", 1, 1_000_000)
    if settings.get("segment", segment) != segment:
        raise UserError(
            f"level {number} of {folder} has segments of {settings['segment']} frames, {INDEX} says {segment}: "
            "write the ladder again"
        )
    weights = entry.file_name("weights")
    if entry.data.get("plan", "") is not None:
        plan = entry.file_name("plan")
    for name in filter(None, (weights, plan)):
        if not is_regular(folder / name):
            raise UserError(f"level {number} of {folder} lacks its file {name}: {_COPY}")
    scores = entry.table("si_sdri") if entry.has("si_sdri") else None
    return Level(
        folder,
        number,
        model.text("name"),
        settings,
        weights,
        entry.text("sha256"),
        plan,
        entry.text("plan_sha256") if entry.has("plan_sha256") else None,
        segment,
        entry.integer("params", 0, 2**40),
        entry.number("macs_per_second", 0, 1e18),
        None if scores is None else {key: scores.number(key, -1e3, 1e3) for key in scores.data if scores.has(key)},
        {key: value for key, value in entry.data.items() if key not in _LEVEL_KEYS},
    )
