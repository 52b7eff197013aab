"""A blind comparison on the live stream: ABX without stimuli, because the sound is made while it is heard."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .archive import Study
from .design import ABX, MIXTURE, Condition, Design, Item, check
from .outcomes import by_listener
from .results import Result
from .statistics import binomial
from .texts import Texts, default_texts

if TYPE_CHECKING:
    from ..streaming import Ladder

#: trials where none are asked for, and trials with the unprocessed mixture before them that do not count
TRIALS, TRAINING = 16, 2
TITLE = "Blind comparison"
#: what the command line calls the unprocessed mixture
BYPASS = "bypass"
_ITEM = "live"
_CONSENT = (
    "You will hear the running sound in two ways, A and B, and X, which is one of them. Both run all the time; which "
    "one is A, and which one is X, is drawn anew for every question, and nothing in the window tells. Your answers and "
    "the times they took are stored in a file, the sound is not."
)
_INSTRUCTIONS = (
    "Put on headphones. X is either A or B: switch among all three as often as you like, and choose which one X is. If "
    "you are not sure, guess. The first questions are for training and do not count.\n\nThe sound is live, so what is "
    "said changes while you switch. To hear the same words again, hold the last ten seconds: they are then repeated "
    "until you let them go. There is no result before the last question, and the number of questions is fixed."
)


def open_live_study(folder: str | None, compared: Sequence[int | None], trials: int = TRIALS) -> Study:
    """:func:`live_study` of the ladder in a folder; ``None`` is the bundled one.

    Raises:
        UserError: the ladder cannot be read, or as :func:`live_study` says.
    """
    from ..streaming import Ladder  # not at import: the window reads this module, and runs no separator

    return live_study(Ladder.load(folder), compared, trials)


def live_study(ladder: Ladder, compared: Sequence[int | None], trials: int = TRIALS) -> Study:
    """An ABX study of two conditions on the live stream. It has no stimuli.

    Args:
        ladder: the levels.
        compared: two levels, or a level and ``None`` for the unprocessed mixture.
        trials: that count.

    Raises:
        UserError: there is no such level, both are the same, or the number of trials is not possible.
    """
    if len(compared) != 2 or compared[0] == compared[1]:
        raise UserError(
            f"{shown(compared)} cannot be compared: give two different levels, or a level and bypass, such as 0,4"
        )
    conditions = [_condition(ladder, one) for one in ordered(compared)]
    baseline, compared_one = conditions[0].name, conditions[1].name
    control = compared_one if baseline == MIXTURE else MIXTURE
    if control == MIXTURE:
        conditions.append(_condition(ladder, None))
    item = Item(_ITEM, 1)
    design = Design(ABX, (item,), tuple(conditions), baseline, control, trials, 0, TRAINING)
    check(design)
    hashes = "".join(one.sha256 for one in ladder.levels)
    facts = {"ladder": ladder.name, "ladder_sha256": hashlib.sha256(hashes.encode()).hexdigest()}
    digest = hashlib.sha256(json.dumps([asdict(design), facts], sort_keys=True).encode()).hexdigest()
    return Study(Path(_ITEM), design, live_texts(), ladder.sample_rate, {}, facts, {}, digest)


def parse_compared(text: str) -> tuple[int | None, ...]:
    """Conditions from ``0,4`` or ``4,bypass``.

    Raises:
        UserError: these are not two conditions.

    >>> parse_compared("0,4"), parse_compared("4,bypass")
    ((0, 4), (4, None))
    """
    words = [word.strip() for word in text.split(",")]
    if len(words) != 2 or not all(word == BYPASS or word.isdecimal() for word in words):
        raise UserError(f"{text!r} is no pair of levels: give two levels, or a level and {BYPASS}, such as 0,4")
    return tuple(None if word == BYPASS else int(word) for word in words)


def live_texts() -> Texts:
    """What the listener reads."""
    usual = default_texts(ABX, TITLE)
    return Texts(TITLE, _CONSENT, _INSTRUCTIONS, usual.questions, usual.scales, {})


def ordered(compared: Sequence[int | None]) -> list[int | None]:
    """The unprocessed mixture first, then levels from dense to light."""
    return sorted(compared, key=lambda one: -1 if one is None else one)


def running(study: Study) -> Mapping[str, int | None]:
    """What must run side by side: name of each condition -> its level, ``None`` for the unprocessed mixture."""
    return {one.name: one.level for one in study.design.conditions}


def verdict(result: Result) -> str:
    """What a complete session shows, in one sentence."""
    design, [listener] = result.design, by_listener([result])
    values = listener.values(design.compared[0].name)
    right, trials = sum(value == 1.0 for value in values), len(values)
    p = binomial.p_value(right, trials)
    first, second = (phrase(design.condition(name).level) for name in (design.baseline, design.compared[0].name))
    counted = f"{right} of {trials} answers were right"
    if p <= 0.05:
        return (
            f"{counted}: you can tell {second} from {first} (guessing gives that many or more with a probability of "
            f"{p:.2g}, exact binomial test)."
        )
    bound = binomial.upper_bound(right, trials)
    return (
        f"{counted}: this does not show that you can tell {second} from {first} (guessing gives that many or more with "
        f"a probability of {p:.2g}, exact binomial test), nor that you cannot, since a true share of up to {bound:.0%} "
        "right answers is compatible with it (one-sided 95 % bound)."
    )


def phrase(level: int | None) -> str:
    """A condition in words."""
    return "the unprocessed mixture" if level is None else f"level {level}"


def shown(compared: Sequence[int | None]) -> str:
    """Conditions as the command line takes them."""
    return ",".join(BYPASS if one is None else str(one) for one in compared)


def _condition(ladder: Ladder, number: int | None) -> Condition:
    if number is None:
        return Condition(MIXTURE, "The unprocessed mixture, delayed as much as the voices")
    level = ladder[number]
    facts: dict[str, Any] = {"macs_per_second": level.macs_per_second, "params": level.params}
    return Condition(f"level-{number}", f"Level {number}, {level.params} parameters", number, **facts)
