"""Paired preference: which of two do you prefer? Every level against the baseline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..design import Design
from .abx import with_controls
from .base import LABELS, NO_PREFERENCE, TEST, Answer, Asked, Outcome, Question, cycled, in_turn, pair

PREFER = "prefer"


class Preference:
    """A, B or no preference."""

    choices = ("A", NO_PREFERENCE, "B")

    def draw(self, design: Design, rng: np.random.Generator) -> tuple[Question, ...]:
        """Training, then the comparisons in rounds, with the controls at random places."""
        items = [item.name for item in design.items]
        rounds = {one.name: cycled(items, design.trials, rng) for one in design.compared}
        names = list(rounds)
        test = [
            pair(TEST, PREFER, next(rounds[names[index]]), (design.baseline, names[index]), rng)
            for _ in range(design.trials)
            for index in rng.permutation(len(names))
        ]
        return (*with_controls(design, test, PREFER, rng, hidden=False),)

    def following(self, design: Design, order: Sequence[Question], answers: Sequence[Answer]) -> Asked | None:
        """Every question in turn."""
        return in_turn(order, answers)

    def labels(self, question: Question) -> tuple[tuple[str, str], ...]:
        """A and B."""
        return tuple(zip(LABELS, question.conditions, strict=False))

    def outcomes(self, asked: Asked, answer: Answer) -> tuple[Outcome, ...]:
        """Share of preference of each of the two, against the other."""
        first, second = asked.question.conditions
        value = {"A": 1.0, "B": 0.0}.get(answer.choice or "", 0.5)
        return Outcome(asked, first, second, value, answer), Outcome(asked, second, first, 1 - value, answer)
