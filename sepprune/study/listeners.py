"""Simulated listeners: what they hear is known, so it can be checked what a study finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UserError
from .design import LOW_PASS, MIXTURE, MUSHRA, PREFERENCE, RATING, REFERENCE, Condition, Design
from .methods import NO_PREFERENCE, Answer, Asked, Method
from .methods.base import LABELS
from .statistics.psychometric import LAPSE, share_correct

GUESS, PERFECT, THRESHOLD = "guess", "perfect", "threshold"
#: levels over which a simulated listener goes from guessing to hearing
SPREAD = 0.5
#: MUSHRA scores: of an unharmed voice, lost by every level above the threshold, and of the anchors
GOOD, STEP, LOW_PASS_SCORE, MIXTURE_SCORE = 85.0, 8.0, 45.0, 20.0
#: standard deviations of scores: from listener to listener, and from answer to answer
BETWEEN, WITHIN = 6.0, 6.0
#: draws from which true mean scores are computed
DRAWS = 4000


@dataclass(frozen=True)
class Simulated:
    """A kind of listener.

    Args:
        kind: ``guess``, ``perfect`` or ``threshold``.
        threshold: level from which on pruning is heard, ``None`` for the other kinds.
    """

    kind: str
    threshold: float | None = None

    def share(self, condition: Condition) -> float:
        """Probability of a right ABX answer between the baseline and a condition."""
        if self.kind == GUESS:
            return 0.5
        if self.kind == PERFECT:
            return 1.0
        if condition.level is None:
            return 1 - LAPSE / 2
        return float(share_correct(float(condition.level), self.threshold or 0.0, SPREAD))

    def answer(self, design: Design, method: Method, asked: Asked, bias: float, rng: np.random.Generator) -> Answer:
        """The answer to a question.

        Args:
            design, method, asked: the question.
            bias: of this listener's scores, from :meth:`bias`.
            rng: chance.
        """
        question = asked.question
        plays = {label: 1 for label, _ in method.labels(question)}
        names = question.conditions
        if design.method == MUSHRA:
            scored = zip(LABELS, names, strict=False)
            scores = {label: round(self._score(design.condition(name), bias, rng)) for label, name in scored}
            return Answer(asked.position, None, scores, 10.0, plays)
        if design.method == RATING:
            category = self.category(design.condition(names[0]), bias, rng)
            return Answer(asked.position, str(category), {}, 5.0, plays)
        heavy = next(design.condition(name) for name in names if name != design.baseline)
        hears = rng.random() < 2 * self.share(heavy) - 1
        if design.method == PREFERENCE:
            best = LABELS[names.index(design.baseline)]
            choice = best if hears else ("A", NO_PREFERENCE, "B")[rng.integers(3)]
        else:
            choice = LABELS[(question.target or 0) if hears else rng.integers(2)]
        return Answer(asked.position, str(choice), {}, 5.0, plays)

    def bias(self, rng: np.random.Generator) -> float:
        """How much higher than others a listener scores everything but the reference."""
        return float(rng.normal(0, BETWEEN)) if self.kind == THRESHOLD else 0.0

    def true_value(self, design: Design, condition: Condition) -> float:
        """The mean over many listeners that the study estimates for a level."""
        if design.method == PREFERENCE:
            return (1 - (2 * self.share(condition) - 1)) / 2
        if design.method not in (MUSHRA, RATING):
            return self.share(condition)
        rng = np.random.default_rng(0)
        draw = self.category if design.method == RATING else self._rounded
        return float(np.mean([draw(condition, self.bias(rng), rng) for _ in range(DRAWS)]))

    def category(self, condition: Condition, bias: float, rng: np.random.Generator) -> int:
        """A category from 5 to 1, from the score on the longer scale."""
        return int(np.clip(round(1 + self._score(condition, bias, rng) / 25), 1, 5))

    def _rounded(self, condition: Condition, bias: float, rng: np.random.Generator) -> float:
        return float(round(self._score(condition, bias, rng)))

    def _score(self, condition: Condition, bias: float, rng: np.random.Generator) -> float:
        if self.kind == GUESS:
            return float(rng.integers(101))
        noise = float(rng.normal(0, WITHIN)) if self.kind == THRESHOLD else 0.0
        if condition.name == REFERENCE:
            return float(min(100.0, 99 - abs(noise) / 4))
        anchors = {LOW_PASS: LOW_PASS_SCORE, MIXTURE: MIXTURE_SCORE}
        if condition.level is None:
            return float(np.clip(anchors[condition.name] + bias + noise, 0, 100))
        heard = max(0.0, condition.level - (self.threshold or 0.0))
        return float(np.clip(GOOD - STEP * heard + bias + noise, 0, 100))


def simulated(text: str) -> Simulated:
    """The kind of listener that ``guess``, ``perfect`` or ``threshold=3.5`` names.

    Raises:
        UserError: it is none of them.
    """
    if text in (GUESS, PERFECT):
        return Simulated(text)
    kind, _, number = text.partition("=")
    try:
        if kind != THRESHOLD or not np.isfinite(float(number)):
            raise ValueError
    except ValueError:
        raise UserError(f"no listener is called {text!r}: choose guess, perfect or threshold=3.5") from None
    return Simulated(THRESHOLD, float(number))
