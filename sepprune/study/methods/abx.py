"""ABX: X is A or B, which one? A fixed number of trials, or as many as the evidence needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..design import Design
from ..statistics.anytime import e_value
from .base import (
    CONTROL,
    LABELS,
    TEST,
    TRAINING,
    Answer,
    Asked,
    Outcome,
    Question,
    counted,
    cycled,
    open_position,
    pair,
    redrawn,
    spread,
)

#: probability with which a guesser may be taken for a listener who hears a difference
ALPHA = 0.05
SAME = "same"


class Abx:
    """ABX of the baseline against every other level."""

    choices = ("A", "B")

    def draw(self, design: Design, rng: np.random.Generator) -> tuple[Question, ...]:
        """Training, then the comparisons in rounds, each once a round, with the controls at random places."""
        items, baseline = [item.name for item in design.items], design.baseline
        rounds = {one.name: cycled(items, design.trials, rng) for one in design.compared}
        names = list(rounds)
        test = [
            pair(TEST, SAME, next(rounds[names[index]]), (baseline, names[index]), rng, hidden=True)
            for _ in range(design.trials)
            for index in rng.permutation(len(names))
        ]
        return (*with_controls(design, test, SAME, rng, hidden=True),)

    def following(self, design: Design, order: Sequence[Question], answers: Sequence[Answer]) -> Asked | None:
        """The next question; open-ended sessions skip comparisons that are decided."""
        position, attempt = open_position(answers)
        decided = self.decided(design, order, answers) if design.open_ended else frozenset[str]()
        while position < len(order) and order[position].phase == TEST and heavier(design, order[position]) in decided:
            position, attempt = position + 1, 0
        return Asked(position, attempt, redrawn(order, position, attempt)) if position < len(order) else None

    def decided(self, design: Design, order: Sequence[Question], answers: Sequence[Answer]) -> frozenset[str]:
        """Conditions whose e-value has reached what Bonferroni's correction over the comparisons asks for."""
        right: Counter[str] = Counter()
        trials: Counter[str] = Counter()
        for question, answer in counted(order, answers):
            if question.phase == TEST:
                name = heavier(design, question)
                trials[name] += 1
                right[name] += is_right(question, answer)
        limit = len(design.compared) / ALPHA
        return frozenset(name for name in trials if e_value(right[name], trials[name]) >= limit)

    def labels(self, question: Question) -> tuple[tuple[str, str], ...]:
        """A, B and X."""
        return abx_labels(question)

    def outcomes(self, asked: Asked, answer: Answer) -> tuple[Outcome, ...]:
        """Whether X was found; about both conditions of the pair, named by the order of the question."""
        return abx_outcomes(asked, answer)


def abx_labels(question: Question) -> tuple[tuple[str, str], ...]:
    """A, B and X, each with its condition."""
    assert question.target is not None
    sides = question.conditions
    return (("A", sides[0]), ("B", sides[1]), ("X", sides[question.target]))


def abx_outcomes(asked: Asked, answer: Answer) -> tuple[Outcome, ...]:
    """Whether X was found; one outcome for each of the two conditions, against the other."""
    value = float(is_right(asked.question, answer))
    first, second = asked.question.conditions
    return Outcome(asked, first, second, value, answer), Outcome(asked, second, first, value, answer)


def is_right(question: Question, answer: Answer) -> bool:
    """Whether the answer names the side that X is."""
    assert question.target is not None
    return answer.choice == LABELS[question.target]


def heavier(design: Design, question: Question) -> str:
    """The condition of a pair that is not the baseline."""
    first, second = question.conditions
    return second if first == design.baseline else first


def with_controls(
    design: Design, test: Sequence[Question], topic: str, rng: np.random.Generator, hidden: bool
) -> list[Question]:
    """Training with the control condition, then the test with controls at random places."""
    items, names = [item.name for item in design.items], (design.baseline, design.control)

    def some(phase: str, count: int) -> list[Question]:
        return [pair(phase, topic, item, names, rng, hidden) for item in cycled(items, count, rng)]

    return [*some(TRAINING, design.training), *spread(test, some(CONTROL, design.controls), rng)]
