"""A ladder as plain data: its levels, in which order they are made, and how, read from a TOML file."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..arguments import check_number
from ..checked import is_finite, shown
from ..errors import UserError
from ..files import check_folder
from ..training.limits import LARGEST_STEP, check_limits
from ..training.settings import TrainingSettings, build_settings, read_toml
from .weights import resolved


@dataclass(frozen=True)
class LevelSpec:
    """How one level is made: a ``[[level]]`` table.

    Args:
        macs: share of the dense separator's MACs to keep; 1 for the dense level, which is the first.
        cut_from: the heavier level whose channels and weights this level is cut out of, after that level has been
            fine-tuned. 0 is the dense separator as it was given.
        contains: a lighter level, all of whose channels this level keeps and as which it starts, see
            :mod:`~sepprune.ladders.contain`; for a level that scored worse than the lighter one.
        time_share: its share of the fine-tuning time, relative to the other levels; 0 for no fine-tuning.
        learning_rate, imitation, hints: instead of those under ``[training]``.
    """

    macs: float = 1.0
    cut_from: int = 0
    contains: int | None = None
    time_share: float = 1.0
    learning_rate: float | None = None
    imitation: float | None = None
    hints: tuple[str, ...] | None = None

    @property
    def needs(self) -> int | None:
        """The level that must be finished before this one starts."""
        return self.contains if self.contains is not None else self.cut_from or None


@dataclass(frozen=True)
class LadderSettings:
    """How a ladder is made.

    Args:
        name: name of the ladder.
        out: ladder folder.
        runs: folder for the runs of the levels, from which an interrupted ladder continues.
        training: the dense separator and how levels are fine-tuned; ``out`` of it is not used.
        levels: dense level first, then lighter and lighter ones. ``[[level]]`` tables in the file.
        start: ladder folder whose levels are trained further, with their plans and weights, instead of levels cut out
            of ``training.model``. Where that model has mixture consistency and the levels have none, they get it.
        joint: the dense level is the teacher while it is fine-tuned itself, of the levels beside it; otherwise the
            teacher is the dense separator as it was given. With ``start`` this trains a whole ladder further at once.
        mask_steps: updates for learning the masks of a level.
        method: pruning method, see :func:`sepprune.prune`.
        round_to: levels keep multiples of this many channels; GPUs train multiples of 8 several times as fast.
        whole_branches: whether residual branches may be removed whole.
        narrowest: with ``whole_branches``, a branch keeps at least this many channels or none, see
            :class:`~sepprune.pruning.Floor`.
        bits: resolution of a stored weight, see :func:`sepprune.rounding.rounded`.
        card: facts for people: data, licences, command.
    """

    name: str
    out: str
    runs: str
    training: TrainingSettings
    levels: tuple[LevelSpec, ...]
    start: str | None = None
    joint: bool = False
    mask_steps: int = 500
    method: str = "sepprune"
    round_to: int = 1
    whole_branches: bool = False
    narrowest: int = 0
    bits: int = 8
    card: dict[str, str] = field(default_factory=dict)


def load_ladder_settings(path: str, data: str | None = None, start: str | None = None) -> LadderSettings:
    """Read a ladder's TOML file: top-level entries, ``[card]``, ``[[level]]``, and ``[training]`` as in a training run.

    Args:
        path: the file.
        data: recordings, instead of those that the file names.
        start: ladder to train further, instead of the one that the file names.

    Raises:
        UserError: the file is missing or malformed, an entry is unknown, or a value is not possible.
    """
    content = read_toml(path) | ({} if start is None else {"start": start})
    known = {entry.name for entry in dataclasses.fields(LadderSettings)} - {"levels"} | {"level"}
    if unknown := sorted(content.keys() - known):
        raise UserError(f"{path} has an unknown entry {shown(unknown[0])}: choose from {', '.join(sorted(known))}")
    tables, training = content.pop("level", []), content.pop("training", {})
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UserError(f"{path} has a `level` that is no list of tables: write [[level]] before the entries of each")
    if not isinstance(training, dict):
        raise UserError(f"{path} has a `training` that is no table: write [training] before its entries")
    training = {"out": "", **training} | ({} if data is None else {"data": data})
    levels = tuple(_level_spec(table, f"[[level]] {number} of {path}") for number, table in enumerate(tables))
    fine_tuning: TrainingSettings = build_settings(TrainingSettings, training, f"[training] of {path}")
    fine_tuning = dataclasses.replace(fine_tuning, model=resolved(fine_tuning.model))
    settings: LadderSettings = build_settings(
        LadderSettings, content | {"training": fine_tuning, "levels": levels}, path
    )
    _check(settings, path)
    for name in ("out", "runs"):
        check_folder(name, getattr(settings, name))
    check_limits(settings.training)
    return settings


def stages(levels: Sequence[LevelSpec], chosen: Collection[int]) -> list[list[int]]:
    """The chosen levels in the order in which they can be made.

    Levels of one stage need nothing of each other and are fine-tuned side by side. A level comes in a later stage than
    the level that it needs.

    Raises:
        UserError: levels need each other in a circle.
    """
    depths = [_depth(levels, level) for level in range(len(levels))]
    ordered = [[level for level in sorted(chosen) if depths[level] == depth] for depth in range(max(depths) + 1)]
    return [stage for stage in ordered if stage]


def _depth(levels: Sequence[LevelSpec], level: int) -> int:
    """Number of levels that must be finished one after the other before this one starts."""
    passed: list[int] = []
    needed: int | None = level
    while needed is not None:
        if needed in passed:
            raise UserError(
                f"levels need each other in a circle, {' -> '.join(map(str, [*passed, needed]))}: "
                "change `cut_from` or `contains` of one of them"
            )
        passed.append(needed)
        needed = levels[needed].needs
    return len(passed) - 1


def _level_spec(table: dict[str, Any], where: str) -> LevelSpec:
    table = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    spec: LevelSpec = build_settings(LevelSpec, table, where)
    for name in ("macs", "time_share", "learning_rate", "imitation"):
        value = getattr(spec, name)
        if value is not None and not _is_number(value):
            raise UserError(f"{where} has {name} = {value!r}: give a number")
    for name in ("cut_from", "contains"):
        value = getattr(spec, name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise UserError(f"{where} has {name} = {value!r}: give the number of a level")
    if spec.hints is not None and not (
        isinstance(spec.hints, tuple) and all(isinstance(layer, str) for layer in spec.hints)
    ):
        raise UserError(f"{where} has hints = {spec.hints!r}: give a list of layer names")
    check_number(f"{where}: time_share", spec.time_share, 0, 1000)
    check_number(f"{where}: learning_rate", spec.learning_rate, 0, LARGEST_STEP, above=True)
    check_number(f"{where}: imitation", spec.imitation, 0, 1)
    return spec


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and is_finite(value)


def _check(settings: LadderSettings, path: str) -> None:
    levels = settings.levels
    if len(levels) < 2 or levels[0] != dataclasses.replace(levels[0], macs=1.0, cut_from=0, contains=None):
        raise UserError(
            f"{path} must have a [[level]] table for the dense level first, without `cut_from` and `contains` and with "
            "`macs` of 1, and then one for every lighter level"
        )
    for number, spec in enumerate(levels[1:], start=1):
        where = f"[[level]] {number} of {path}"
        if not 0 < spec.macs < levels[number - 1].macs:
            raise UserError(
                f"{where} keeps macs = {spec.macs:g}: give a share above 0 and below that of level {number - 1}, "
                f"{levels[number - 1].macs:g}"
            )
        if not 0 <= spec.cut_from < number:
            raise UserError(f"{where} is cut from level {spec.cut_from}: choose a heavier one, 0 to {number - 1}")
        if spec.contains is not None and not (number < spec.contains < len(levels) and spec.cut_from == 0):
            lighter = f"choose a lighter one, {number + 1} to {len(levels) - 1}, and leave `cut_from` out"
            advice = lighter if number + 1 < len(levels) else "leave `contains` out, there is no lighter one"
            raise UserError(f"{where} contains level {spec.contains}: {advice}")
    stages(levels, range(len(levels)))
    if isinstance(settings.bits, bool) or not isinstance(settings.bits, int) or not 2 <= settings.bits <= 8:
        raise UserError(f"{path} asks for weights of {settings.bits} bits: give 2 to 8")
    check_number("mask_steps", settings.mask_steps, 1, 1_000_000)
    check_number("round_to", settings.round_to, 1, 4096)
    check_number("narrowest", settings.narrowest, 0, 4096)
    if not all(isinstance(value, str) for value in settings.card.values()):
        raise UserError(f"[card] of {path} has an entry that is no text: write it in quotation marks")
    if settings.narrowest and not settings.whole_branches:
        raise UserError(f"{path} has narrowest = {settings.narrowest}: set whole_branches = true with it, or remove it")
