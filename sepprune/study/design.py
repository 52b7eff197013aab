"""What a listening test asks: items, conditions and numbers of trials, as plain frozen data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..checked import MALFORMED, shown
from ..errors import UserError

ABX, PREFERENCE, MUSHRA, RATING, THRESHOLD = "abx", "preference", "mushra", "rating", "threshold"
METHODS = (ABX, PREFERENCE, MUSHRA, RATING, THRESHOLD)

#: names of conditions that are not levels; webMUSHRA uses the first two
REFERENCE, LOW_PASS, MIXTURE = "reference", "anchor35", "mixture"
#: BS.1534-3: signals in a trial at most, items at least
MOST_SIGNALS, FEWEST_ITEMS = 12, 5


@dataclass(frozen=True)
class Item:
    """One voice of one passage.

    Args:
        name: such as ``demo-2-voice-1``.
        samples: length of each of its stimuli.
    """

    name: str
    samples: int


@dataclass(frozen=True)
class Condition:
    """What is compared: a level, the reference or an anchor.

    Args:
        name: such as ``level-3``, :data:`REFERENCE`, :data:`LOW_PASS` or :data:`MIXTURE`.
        description: one sentence for the report.
        level: number of the level whose output this is, ``None`` for a reference or an anchor.
        macs_per_second, params: cost of the level.
        chunk_ms: mean time that a chunk of ``chunk_duration_ms`` took when the study was made.
    """

    name: str
    description: str
    level: int | None = None
    macs_per_second: float | None = None
    params: int | None = None
    chunk_ms: float | None = None


@dataclass(frozen=True)
class Design:
    """A listening test without its sound.

    Args:
        method: one of :data:`METHODS`.
        items: what is listened to.
        conditions: levels from dense to light, then references and anchors.
        baseline: name of the condition that the others are compared with.
        control: name of the condition that everybody must be able to tell from the baseline.
        trials: ABX, preference: of each comparison (open-ended ABX: at most); threshold: of a session;
            otherwise 1.
        controls: trials of the positive control in a session; 0 where a method has it in every trial.
        training: trials before the test whose answers are discarded.
        open_ended: ABX only: ask until the evidence suffices.
    """

    method: str
    items: tuple[Item, ...]
    conditions: tuple[Condition, ...]
    baseline: str
    control: str
    trials: int
    controls: int
    training: int
    open_ended: bool = False

    @property
    def compared(self) -> tuple[Condition, ...]:
        """The levels other than the baseline, from dense to light."""
        return tuple(one for one in self.conditions if one.level is not None and one.name != self.baseline)

    def condition(self, name: str) -> Condition:
        """The condition of this name."""
        return next(one for one in self.conditions if one.name == name)

    def item(self, name: str) -> Item:
        """The item of this name."""
        return next(one for one in self.items if one.name == name)


def check(design: Design) -> None:
    """Whether a test of this design can be run and analysed.

    Raises:
        UserError: the method is unknown, or it needs other numbers of items, levels or trials.
    """
    method, levels = design.method, design.compared
    if method not in METHODS:
        raise UserError(f"no listening test is called {shown(method)}: choose from {', '.join(METHODS)}")
    if not levels:
        raise UserError("a study needs a level besides the baseline: give at least two, for example --levels 0,4")
    if method == THRESHOLD and len(levels) < 3:
        raise UserError(
            f"a threshold is looked for among at least 3 levels besides the baseline, not {len(levels)}: "
            "give more --levels, or choose --method abx"
        )
    if design.open_ended and method != ABX:
        raise UserError(f"--open-ended belongs to --method abx, not to {method}: leave it out")
    if method in (MUSHRA, RATING) and len(design.items) < FEWEST_ITEMS:
        raise UserError(
            f"{method} needs at least {FEWEST_ITEMS} items, the recordings give {len(design.items)}: "
            "add recordings, or make passages shorter with --seconds"
        )
    if method == MUSHRA and len(design.conditions) > MOST_SIGNALS:
        raise UserError(
            f"a MUSHRA trial has at most {MOST_SIGNALS} signals (BS.1534-3), not {len(design.conditions)}: "
            "choose fewer --levels"
        )
    if not 1 <= design.trials <= 1000:
        raise UserError(f"--trials {design.trials} is not possible: give 1 to 1000")


def design_of(data: Mapping[str, Any]) -> Design:
    """The design that was stored as JSON.

    Raises:
        UserError: something is missing or has another type.
    """
    try:
        design = Design(
            str(data["method"]),
            tuple(Item(str(one["name"]), int(one["samples"])) for one in data["items"]),
            tuple(_condition(one) for one in data["conditions"]),
            str(data["baseline"]),
            str(data["control"]),
            int(data["trials"]),
            int(data["controls"]),
            int(data["training"]),
            bool(data["open_ended"]),
        )
    except MALFORMED as error:
        raise UserError(f"the key of the study is incomplete ({shown(error)}): get the study again") from error
    _known([design.baseline, design.control], [one.name for one in design.conditions])
    check(design)
    return design


def _condition(data: Mapping[str, Any]) -> Condition:
    def number(key: str) -> float | None:
        return None if data[key] is None else float(data[key])

    level, params = number("level"), number("params")
    return Condition(
        str(data["name"]),
        str(data["description"]),
        None if level is None else int(level),
        number("macs_per_second"),
        None if params is None else int(params),
        number("chunk_ms"),
    )


def _known(names: Iterable[str], known: Iterable[str]) -> None:
    if missing := set(names) - set(known):
        raise UserError(f"the key of the study names no condition {', '.join(sorted(missing))}: get the study again")
