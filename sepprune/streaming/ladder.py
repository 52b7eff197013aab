"""The ladder folder: one separator at several sizes, as safetensors and JSON."""

from __future__ import annotations

import hashlib
import json
import operator
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.numpy

from ..errors import UserError
from ..extras import require
from ..resources import asset
from .weights import Array, single_precision

if TYPE_CHECKING:
    from ..pruning import PruningPlan
    from ..separators.base import CausalSeparator

FORMAT, VERSION, INDEX = "sepprune-ladder", 3, "ladder.json"
#: version 1 had nothing rounded, version 2 no rounded filters
_READABLE = (1, 2, VERSION)
#: of a separator, as JSON has them: numbers and lists of numbers, which the family's class checks
Settings = Mapping[str, Any]
_LEVEL_KEYS = ("level", "model", "weights", "sha256", "plan", "segment", "params", "macs_per_second", "si_sdri")


@dataclass(frozen=True)
class Level:
    """One level of a ladder: where its weights are, and the facts measured when it was made.

    Args:
        folder: the ladder's folder.
        level: its number, 0 is dense.
        model: separator name, as :func:`sepprune.separators.build_separator` takes it.
        settings: the separator's settings before pruning.
        weights, sha256: file name of the weights, and the hash of its content.
        plan: file name of the pruning plan, ``None`` where nothing was pruned.
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
    segment: int | None
    params: int
    macs_per_second: float
    si_sdri: Mapping[str, float] | None
    facts: Mapping[str, Any]

    def read_weights(self) -> bytes:
        """The weights file, checked against its hash."""
        content = read_file(self.folder / self.weights)
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise UserError(
                f"{self.folder / self.weights} is damaged: its SHA-256 is {found[:12]}..., {INDEX} says "
                f"{self.sha256[:12]}...; copy the ladder again"
            )
        return content

    def read_plan(self) -> bytes | None:
        """The pruning plan file, ``None`` where nothing was pruned."""
        return None if self.plan is None else read_file(self.folder / self.plan)

    def arrays(self) -> dict[str, Array]:
        """The weights in single precision by name. Torch is not needed."""
        content = self.read_weights()
        try:
            return single_precision(safetensors.numpy.load(content))
        except (safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
            raise UserError(
                f"{self.folder / self.weights} is no safetensors file ({error}): copy the ladder again"
            ) from error

    def build(self) -> CausalSeparator:
        """The level as a torch module in evaluation mode: fresh, pruned by its plan, weights loaded strictly."""
        require("torch", extra="train", purpose="a level as a torch module")
        weights, plan = self.arrays(), self._read_plan()
        try:
            return build_level(self.model, self.settings, plan, weights)
        except (ValueError, TypeError, KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"level {self.level} of {self.folder} does not fit this version's {self.model} "
                f"({reason}): write the ladder again"
            ) from error

    def _read_plan(self) -> PruningPlan | None:
        if self.plan is None:
            return None
        from ..pruning import PruningPlan

        path = self.folder / self.plan
        try:
            return PruningPlan.from_json(parse_json(read_file(path), path))
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path} is no pruning plan ({error}): copy the ladder again") from error


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
    """

    folder: Path
    name: str
    sample_rate: int
    sources: int
    hop: int
    window: int
    card: Mapping[str, Any]
    levels: tuple[Level, ...]

    @property
    def delay(self) -> int:
        """Samples by which the sources lag the mixture."""
        return self.window - self.hop

    def __getitem__(self, level: int) -> Level:
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
        if not folder.is_dir():
            raise UserError(f"there is no ladder folder {folder}: give a folder that holds {INDEX}")
        index = folder / INDEX
        if not index.is_file():
            raise UserError(f"{folder} is no ladder: it holds no {INDEX}; give a folder that `sepprune ladder` wrote")
        data = parse_json(read_file(index), index)
        if data.get("format") != FORMAT:
            raise UserError(f"{index} is no ladder index: its format is {data.get('format')!r}, expected {FORMAT!r}")
        if data.get("version") not in _READABLE:
            raise UserError(
                f"{index} has format version {data.get('version')!r}, this program reads up to {VERSION}: "
                "update the older of the two"
            )
        try:
            ladder = cls(
                folder,
                str(data["name"]),
                int(data["sample_rate"]),
                int(data["sources"]),
                int(data["hop"]),
                int(data["window"]),
                data.get("card", {}),
                tuple(_level(folder, entry) for entry in data["levels"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problem = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
            raise UserError(f"{index} is incomplete: {problem}; copy the ladder again") from error
        if not ladder.levels or [level.level for level in ladder.levels] != list(range(len(ladder.levels))):
            raise UserError(f"{index} must list levels 0, 1, 2, ... in order: copy the ladder again")
        for level in ladder.levels:
            for name in filter(None, (level.weights, level.plan)):
                if Path(name).name != name or not (folder / name).is_file():
                    raise UserError(f"level {level.level} of {folder} lacks its file {name}: copy the ladder again")
        return ladder


def build_level(
    model: str, settings: Settings, plan: PruningPlan | None, weights: Mapping[str, Array]
) -> CausalSeparator:
    """A separator in evaluation mode: fresh, pruned by its plan, weights loaded strictly.

    Args:
        model, settings: as :func:`sepprune.separators.build_separator` takes them.
        plan: ``None`` where nothing is pruned.
        weights: after pruning, as :func:`~.weights.single_precision` gives them.

    Raises:
        ValueError, TypeError, KeyError, RuntimeError: they do not fit each other, as torch reports it.
    """
    import torch

    from ..separators import build_separator
    from ..separators.base import CausalSeparator

    module = build_separator(model, **settings)
    if plan is not None:
        module = plan.apply(module)
    module.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()}, strict=True)
    if not isinstance(module, CausalSeparator):
        raise ValueError(f"{model} is not causal, and a ladder is for live use")
    return module.eval()


def _level(folder: Path, entry: Mapping[str, Any]) -> Level:
    scores, segment, plan = entry.get("si_sdri"), entry["segment"], entry["plan"]
    return Level(
        folder,
        int(entry["level"]),
        str(entry["model"]["name"]),
        dict(entry["model"]["settings"]),
        str(entry["weights"]),
        str(entry["sha256"]),
        None if plan is None else str(plan),
        None if segment is None else int(segment),
        int(entry["params"]),
        float(entry["macs_per_second"]),
        None if scores is None else dict(scores),
        {key: value for key, value in entry.items() if key not in _LEVEL_KEYS},
    )


def parse_json(content: bytes, where: Path | str) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except ValueError as error:
        raise UserError(f"{where} is not valid JSON ({error}): copy the ladder again") from error
    if not isinstance(data, dict):
        raise UserError(f"{where} holds a JSON {type(data).__name__}, expected an object: copy the ladder again")
    return data


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror}): copy the ladder again") from error
