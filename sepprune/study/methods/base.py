"""What all methods share: questions drawn before a session, answers, and what a page shows of a question.

A session is a pure function of its order and its answers. The order is drawn once, from a seed, and stored; which
question follows and what it shows depends on nothing else. So a session can be replayed and continued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, Protocol

import numpy as np

from ...checked import MALFORMED, shown
from ...errors import UserError
from ..design import Design

TRAINING, CONTROL, TEST = "training", "control", "test"
#: in a stored question of the threshold method: the level is chosen from the answers so far
ADAPTIVE = "adaptive"
NO_PREFERENCE = "none"
LABELS = "ABCDEFGHIJKL"


@dataclass(frozen=True)
class Question:
    """One question as drawn, hidden from the listener.

    Args:
        phase: :data:`TRAINING`, :data:`CONTROL` or :data:`TEST`.
        topic: what is asked: ``same``, ``prefer``, ``quality``, ``voice`` or ``other``.
        item: name of the item.
        conditions: names of the conditions, in the order of the labels A, B, ...
        target: ABX: index of the condition that X is.
    """

    phase: str
    topic: str
    item: str
    conditions: tuple[str, ...]
    target: int | None = None


@dataclass(frozen=True)
class Answer:
    """What a listener did at one attempt of a question.

    Args:
        position: index of the question in the order.
        choice: the chosen label, category or :data:`NO_PREFERENCE`; ``None`` in MUSHRA.
        scores: MUSHRA: label -> score, 0 to 100.
        seconds: from the first sound to the answer.
        plays: label -> times played.
        void: why the attempt does not count, for example an underrun of the output; ``None`` where it counts.
        late: deadline misses and underruns while the question was open.
    """

    position: int
    choice: str | None = None
    scores: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    plays: Mapping[str, int] = field(default_factory=dict)
    void: str | None = None
    late: int = 0


@dataclass(frozen=True)
class Asked:
    """The question that is open now: its place in the order, the attempt (0 is the first) and what is asked."""

    position: int
    attempt: int
    question: Question


@dataclass(frozen=True)
class Outcome:
    """What one counted answer says about one condition.

    Args:
        asked: the question.
        condition: name of the condition.
        against: name of the condition it was compared with, ``None`` where it was judged alone.
        value: ABX and threshold: 1 right, 0 wrong; preference: 1 preferred, 0.5 no preference, 0 not preferred;
            MUSHRA: score; rating: category, 1 to 5.
        answer: the whole answer.
    """

    asked: Asked
    condition: str
    against: str | None
    value: float
    answer: Answer


class Method(Protocol):
    """One method of listening tests."""

    @property
    def choices(self) -> tuple[str, ...]:
        """Answers that a question allows; empty in MUSHRA, which asks for scores."""

    def draw(self, design: Design, rng: np.random.Generator) -> tuple[Question, ...]:
        """The questions of one session, in order."""

    def following(self, design: Design, order: Sequence[Question], answers: Sequence[Answer]) -> Asked | None:
        """The question to ask after these answers; ``None`` where the session is complete."""

    def labels(self, question: Question) -> tuple[tuple[str, str], ...]:
        """Labels that are shown, each with the condition that is heard."""

    def outcomes(self, asked: Asked, answer: Answer) -> tuple[Outcome, ...]:
        """What a counted answer says."""


def open_position(answers: Sequence[Answer]) -> tuple[int, int]:
    """Position and attempt after these answers, where questions are asked in order, each until an attempt counts."""
    voids = list(takewhile(lambda answer: answer.void is not None, reversed(answers)))
    if voids:
        return voids[0].position, len(voids)
    return (answers[-1].position + 1 if answers else 0), 0


def counted(order: Sequence[Question], answers: Sequence[Answer]) -> Iterator[tuple[Question, Answer]]:
    """Answers that count, each with the question as it was drawn for that attempt."""
    attempt = 0
    for answer in answers:
        if answer.void is None:
            yield redrawn(order, answer.position, attempt), answer
            attempt = 0
        else:
            attempt += 1


def in_turn(order: Sequence[Question], answers: Sequence[Answer]) -> Asked | None:
    """The next question of a method that asks all questions in the drawn order."""
    position, attempt = open_position(answers)
    return Asked(position, attempt, redrawn(order, position, attempt)) if position < len(order) else None


def redrawn(order: Sequence[Question], position: int, attempt: int) -> Question:
    """The question of an attempt. After a void attempt sides and X are drawn again, so that what was heard is no help.

    The draw is a hash of the stored order and the attempt, so every replay gives the same.
    """
    question = order[position]
    if not attempt or len(question.conditions) != 2:
        return question
    drawn = ",".join("/".join((one.item, *one.conditions, str(one.target))) for one in order)
    bits = hashlib.sha256(f"{drawn},{position},{attempt}".encode()).digest()[0]
    swapped = replace(question, conditions=question.conditions[::-1]) if bits & 1 else question
    return swapped if question.target is None else replace(swapped, target=bits >> 1 & 1)


def cycled(names: Sequence[str], count: int, rng: np.random.Generator) -> Iterator[str]:
    """``count`` names; each comes as often as the others, but for one, in an order drawn anew in each round."""
    drawn: list[str] = []
    while len(drawn) < count:
        drawn += [names[index] for index in rng.permutation(len(names))]
    return iter(drawn[:count])


def spread(among: Sequence[Question], others: Sequence[Question], rng: np.random.Generator) -> list[Question]:
    """The others at random places among the first, whose order stays."""
    places = set(rng.choice(len(among) + len(others), len(others), replace=False).tolist())
    first, second = iter(among), iter(others)
    return [next(second) if place in places else next(first) for place in range(len(among) + len(others))]


def pair(
    phase: str, topic: str, item: str, names: tuple[str, str], rng: np.random.Generator, hidden: bool = False
) -> Question:
    """A question about two conditions on random sides; with ``hidden`` X is one of them, by independent fair draws."""
    sides = names if rng.integers(2) else names[::-1]
    return Question(phase, topic, item, sides, int(rng.integers(2)) if hidden else None)


def question_of(data: Mapping[str, Any]) -> Question:
    """The question that was stored as JSON.

    Raises:
        UserError: something is missing or has another type.
    """
    try:
        target = None if data["target"] is None else int(data["target"])
        names = tuple(str(name) for name in data["conditions"])
        return Question(str(data["phase"]), str(data["topic"]), str(data["item"]), names, target)
    except MALFORMED as error:
        raise UserError(
            f"the order of a session is incomplete ({shown(error)}): the result file cannot be used"
        ) from error
