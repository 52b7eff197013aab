"""The ladder folder: one separator at several sizes, as safetensors and JSON."""

from __future__ import annotations

import hashlib
import json
import operator
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import UserError
from ..extras import require
from ..resources import asset
from .rounding import widened
from .weights import Array, single_precision

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..pruning import PruningPlan

FORMAT, VERSION, INDEX = "sepprune-ladder", 3, "ladder.json"
#: version 1 had nothing rounded, version 2 no rounded filters
_READABLE = (1, 2, VERSION)
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
    settings: Mapping[str, Any]
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
        content = _read(self.folder / self.weights)
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise UserError(
                f"{self.folder / self.weights} is damaged: its SHA-256 is {found[:12]}..., {INDEX} says "
                f"{self.sha256[:12]}...; copy the ladder again"
            )
        return content

    def read_plan(self) -> bytes | None:
        """The pruning plan file, ``None`` where nothing was pruned."""
        return None if self.plan is None else _read(self.folder / self.plan)

    def arrays(self) -> dict[str, Array]:
        """The weights in single precision by name. Torch is not needed."""
        import safetensors
        import safetensors.numpy

        content, where = self.read_weights(), self.folder / self.weights
        try:
            return single_precision(safetensors.numpy.load(content))
        except (safetensors.SafetensorError, KeyError, ValueError) as error:
            raise UserError(f"{where} is no safetensors file ({error}): copy the ladder again") from error

    def build(self) -> nn.Module:
        """The level as a torch module in evaluation mode: fresh, pruned by its plan, weights loaded strictly."""
        require("torch", extra="train", purpose="a level as a torch module")
        import safetensors
        import safetensors.torch

        content, where = self.read_weights(), self.folder / self.weights
        plan = None if self.plan is None else _load_plan(self.folder / self.plan, _json(self.read_plan(), self.plan))
        try:
            state = safetensors.torch.load(content)
            return _build(self.model, self.settings, plan, state)
        except safetensors.SafetensorError as error:
            raise UserError(f"{where} is no safetensors file ({error}): copy the ladder again") from error
        except (ValueError, TypeError, KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"level {self.level} of {self.folder} does not fit this version's {self.model} "
                f"({reason}): write the ladder again"
            ) from error


@dataclass(frozen=True)
class Ladder:
    """The ordered levels of one separator, in one folder.

    Args:
        folder: where it lies.
        name: what it is called.
        sample_rate: in hertz.
        sources: number of sources.
        hop, window: samples between frames, samples under one synthesis frame.
        card: free text facts, such as training data and licences.
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

    def build(self, level: int) -> nn.Module:
        """The level as a torch module, see :meth:`Level.build`."""
        return self[level].build()

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> Ladder:
        """Read a ladder folder; weights are read when a level is built.

        Args:
            path: the folder; ``None`` is the ladder that ships.

        Raises:
            UserError: the folder or a file of it is missing or damaged.
        """
        folder = asset("ladder") if path is None else Path(path)
        if not folder.is_dir():
            raise UserError(f"there is no ladder folder {folder}: give a folder that holds {INDEX}")
        index = folder / INDEX
        if not index.is_file():
            raise UserError(f"{folder} is no ladder: it holds no {INDEX}; give a folder that `sepprune ladder` wrote")
        data = _json(_read(index), index)
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


class LevelRecord(NamedTuple):
    """What a level is written from.

    Args:
        model, settings: as :func:`sepprune.separators.build_separator` takes them, before pruning.
        plan: the pruning plan, ``None`` where nothing was pruned.
        state: the weights after pruning, or what :func:`~.rounding.rounded` made of them.
        facts: must name ``macs_per_second``; may name ``si_sdri`` (condition -> dB) and anything else.
    """

    model: str
    settings: Mapping[str, Any]
    plan: PruningPlan | None
    state: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def write_ladder(
    folder: str | os.PathLike[str], name: str, levels: Sequence[LevelRecord], card: Mapping[str, Any] | None = None
) -> Ladder:
    """Write a ladder; every level is rebuilt from what is written, so that what lies on the disk loads.

    Args:
        folder: made where it is missing; files of an earlier ladder are replaced, ``ladder.json`` last.
        name: what the ladder is called.
        levels: dense first.
        card: facts about the whole ladder, such as training data and licences.

    Raises:
        ValueError: there are no levels, they disagree about the filterbank, or a fact is missing.
    """
    import safetensors.torch

    if not levels:
        raise ValueError("a ladder needs at least one level")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shapes, entries = set(), []
    for number, (model, settings, plan, state, facts) in enumerate(levels):
        if "macs_per_second" not in facts:
            raise ValueError(f"the facts of level {number} lack macs_per_second")
        state = {key: value.detach().cpu().contiguous() for key, value in state.items()}
        module = _build(model, settings, plan, state)
        shapes.add((module.sample_rate, module.sources, module.hop, module.window))
        content = safetensors.torch.save(state)
        entry = {
            "level": number,
            "model": {"name": model, "settings": dict(settings)},
            "weights": f"level-{number}.safetensors",
            "sha256": hashlib.sha256(content).hexdigest(),
            "plan": None if plan is None else f"level-{number}.plan.json",
            "segment": module.segment,
            "params": sum(parameter.numel() for parameter in module.parameters()),
            "si_sdri": None,
        }
        told = {key: value for key, value in facts.items() if key not in entry or key == "si_sdri"}
        entries.append({**entry, **told})
        _write(folder / entry["weights"], content)
        if plan is not None:
            _write(folder / entry["plan"], json.dumps(plan.to_json(), separators=(",", ":")).encode())
    if len(shapes) > 1:
        raise ValueError(f"levels differ in (sample rate, sources, hop, window): {sorted(shapes)}; a ladder has one")
    sample_rate, sources, hop, window = shapes.pop()
    _write(
        folder / INDEX,
        _dump(
            {
                "format": FORMAT,
                "version": VERSION,
                "name": name,
                "sample_rate": sample_rate,
                "sources": sources,
                "hop": hop,
                "window": window,
                "card": dict(card or {}),
                "levels": entries,
            }
        ),
    )
    return Ladder.load(folder)


def store_scores(ladder: Ladder, condition: str, scores: Mapping[int, float]) -> None:
    """Write the levels' SI-SDR improvement under a condition into the ladder's index.

    Args:
        ladder: as loaded; it does not change.
        condition: name of the test condition, such as ``clean``.
        scores: dB by level.
    """
    index = ladder.folder / INDEX
    data = _json(_read(index), index)
    for entry in data["levels"]:
        if entry["level"] in scores:
            entry["si_sdri"] = {**(entry["si_sdri"] or {}), condition: round(scores[entry["level"]], 2)}
    try:
        _write(index, _dump(data))
    except OSError as error:
        raise UserError(f"cannot write {index} ({error.strerror}): store scores in a ladder of your own") from error


def _build(model: str, settings: Mapping[str, Any], plan: PruningPlan | None, state: Mapping[str, Tensor]) -> nn.Module:
    from ..separators import build_separator

    module = build_separator(model, **settings)
    if plan is not None:
        module = plan.apply(module)
    module.load_state_dict(widened(state), strict=True)
    return module.eval()


def _load_plan(path: Path, data: dict[str, Any]) -> PruningPlan:
    from ..pruning import PruningPlan

    try:
        return PruningPlan.from_json(data)
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is no pruning plan ({error}): copy the ladder again") from error


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


def _json(content: bytes, where: Path | str) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except ValueError as error:
        raise UserError(f"{where} is not valid JSON ({error}): copy the ladder again") from error
    if not isinstance(data, dict):
        raise UserError(f"{where} holds a JSON {type(data).__name__}, expected an object: copy the ladder again")
    return data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror}): copy the ladder again") from error


def _dump(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, allow_nan=False) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(content)
    os.replace(partial, path)
