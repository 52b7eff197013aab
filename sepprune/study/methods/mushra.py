"""MUSHRA after ITU-R BS.1534-3: all conditions of an item on one page, scored from 0 to 100 against the reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..design import REFERENCE, Design
from .base import LABELS, TEST, TRAINING, Answer, Asked, Outcome, Question, in_turn

QUALITY = "quality"
#: label of the reference that is named as such
OPEN_REFERENCE = "Reference"


class Mushra:
    """One page an item; the reference is among the conditions, hidden."""

    choices: tuple[str, ...] = ()

    def draw(self, design: Design, rng: np.random.Generator) -> tuple[Question, ...]:
        """Training pages, then every item once, in random order, its conditions on random labels."""
        items = [design.items[index].name for index in rng.permutation(len(design.items))]
        training = [items[-1 - number % len(items)] for number in range(design.training)]
        pages = [*((TRAINING, item) for item in training), *((TEST, item) for item in items)]
        return tuple(Question(phase, QUALITY, item, _shuffled(design, rng)) for phase, item in pages)

    def following(self, design: Design, order: Sequence[Question], answers: Sequence[Answer]) -> Asked | None:
        """Every page in turn."""
        return in_turn(order, answers)

    def labels(self, question: Question) -> tuple[tuple[str, str], ...]:
        """The open reference, which is not scored, then A, B, ..."""
        return ((OPEN_REFERENCE, REFERENCE), *zip(LABELS, question.conditions, strict=False))

    def outcomes(self, asked: Asked, answer: Answer) -> tuple[Outcome, ...]:
        """A score a condition."""
        pairs = zip(LABELS, asked.question.conditions, strict=False)
        return tuple(Outcome(asked, name, None, float(answer.scores[label]), answer) for label, name in pairs)


def _shuffled(design: Design, rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(design.conditions[index].name for index in rng.permutation(len(design.conditions)))
