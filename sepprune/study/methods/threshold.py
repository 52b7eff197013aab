"""Threshold: adaptive ABX that looks for the level from which on a listener hears the pruning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ..design import Design
from ..statistics.psychometric import ThresholdGrid
from .abx import SAME, abx_labels, abx_outcomes, is_right, with_controls
from .base import ADAPTIVE, TEST, Answer, Asked, Outcome, Question, counted, cycled, open_position, pair, redrawn


class Threshold:
    """ABX against the baseline, the level chosen by the answers so far."""

    choices = ("A", "B")

    def draw(self, design: Design, rng: np.random.Generator) -> tuple[Question, ...]:
        """Items, sides and X of every trial; the levels stay open."""
        items = cycled([item.name for item in design.items], design.trials, rng)
        test = [pair(TEST, SAME, item, (design.baseline, ADAPTIVE), rng, hidden=True) for item in items]
        return (*with_controls(design, test, SAME, rng, hidden=True),)

    def following(self, design: Design, order: Sequence[Question], answers: Sequence[Answer]) -> Asked | None:
        """The next question, with the level whose answer is expected to say most."""
        position, attempt = open_position(answers)
        if position >= len(order):
            return None
        question = redrawn(order, position, attempt)
        if question.phase == TEST:
            names = {one.level: one.name for one in design.compared if one.level is not None}
            asked, correct = self.history(design, order, answers)
            name = names[_next_level(tuple(sorted(names)), tuple(asked), tuple(correct))]
            filled = tuple(name if one == ADAPTIVE else one for one in question.conditions)
            question = replace(question, conditions=filled)
        return Asked(position, attempt, question)

    def history(
        self, design: Design, order: Sequence[Question], answers: Sequence[Answer]
    ) -> tuple[list[int], list[bool]]:
        """Levels that were asked in counted test trials, and whether each answer was right."""
        levels = tuple(sorted(one.level for one in design.compared if one.level is not None))
        asked: list[int] = []
        correct: list[bool] = []
        for question, answer in counted(order, answers):
            if question.phase == TEST:
                asked.append(_next_level(levels, tuple(asked), tuple(correct)))
                correct.append(is_right(question, answer))
        return asked, correct

    def labels(self, question: Question) -> tuple[tuple[str, str], ...]:
        """A, B and X."""
        return abx_labels(question)

    def outcomes(self, asked: Asked, answer: Answer) -> tuple[Outcome, ...]:
        """Whether X was found."""
        return abx_outcomes(asked, answer)


@lru_cache(maxsize=16)
def grid_of(levels: tuple[int, ...]) -> ThresholdGrid:
    """The Bayes grid over these levels, computed once."""
    return ThresholdGrid(levels)


@lru_cache(maxsize=4096)
def _next_level(levels: tuple[int, ...], asked: tuple[int, ...], correct: tuple[bool, ...]) -> int:
    """The level after these answers; a replay asks for every beginning of the same answers again."""
    return grid_of(levels).next_level(asked, correct)
