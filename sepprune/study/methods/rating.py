"""Rating in categories from 5 to 1, after ITU-T P.835: the voice, and what is left of the other voice.

Each question is a pass of its own over all stimuli: two questions on one page are known to get the same answer. Which
pass comes first is drawn by a fair draw for each session.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..design import Design
from .base import TEST, TRAINING, Answer, Asked, Outcome, Question, in_turn

VOICE, OTHER = "voice", "other"


class Rating:
    """One stimulus a page."""

    choices = ("5", "4", "3", "2", "1")

    def draw(self, design: Design, rng: np.random.Generator) -> tuple[Question, ...]:
        """Both passes, each with training of its own: the baseline, then the control."""
        order: list[Question] = []
        for topic in (VOICE, OTHER) if rng.integers(2) else (OTHER, VOICE):
            stimuli = [(item.name, one.name) for item in design.items for one in design.conditions]
            items = rng.permutation(len(design.items))
            for number in range(design.training):
                item = design.items[items[number % len(items)]].name
                order.append(Question(TRAINING, topic, item, ((design.baseline, design.control)[number % 2],)))
            order += [
                Question(TEST, topic, stimuli[index][0], (stimuli[index][1],))
                for index in rng.permutation(len(stimuli))
            ]
        return tuple(order)

    def following(self, design: Design, order: Sequence[Question], answers: Sequence[Answer]) -> Asked | None:
        """Every stimulus in turn."""
        return in_turn(order, answers)

    def labels(self, question: Question) -> tuple[tuple[str, str], ...]:
        """The one stimulus."""
        return (("A", question.conditions[0]),)

    def outcomes(self, asked: Asked, answer: Answer) -> tuple[Outcome, ...]:
        """The category."""
        return (Outcome(asked, asked.question.conditions[0], None, float(answer.choice or "nan"), answer),)
