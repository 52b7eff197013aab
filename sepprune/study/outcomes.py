"""What sessions say, as tables: every answer replayed through the trial logic that asked for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .methods import CONTROL, TEST, Answer, Asked, Outcome, method_named
from .results import Result

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Attempt:
    """One answer beside the question that it belongs to; outcomes of a void attempt are empty."""

    asked: Asked
    answer: Answer
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class ListenerOutcomes:
    """All counted answers of a listener, training left out.

    Args:
        listener: the name.
        sessions: their results.
        test, control: outcomes.
    """

    listener: str
    sessions: tuple[Result, ...]
    test: tuple[Outcome, ...]
    control: tuple[Outcome, ...]

    def values(self, condition: str, topic: str | None = None) -> list[float]:
        """Values of a condition in test trials, in order."""
        return [one.value for one in self.test if one.condition == condition and _about(one, topic)]

    def control_values(self, condition: str) -> list[float]:
        """Values of a condition in control trials, in order."""
        return [one.value for one in self.control if one.condition == condition]


def attempts(result: Result) -> list[Attempt]:
    """Every attempt of a session with its question, from the stored order."""
    method, found = method_named(result.design.method), list[Attempt]()
    for number, answer in enumerate(result.answers):
        asked = method.following(result.design, result.order, result.answers[:number])
        if asked is None or asked.position != answer.position:
            break  # answers behind the end of the session, or out of order, count for nothing
        found.append(Attempt(asked, answer, () if answer.void is not None else method.outcomes(asked, answer)))
    return found


def by_listener(results: Iterable[Result]) -> list[ListenerOutcomes]:
    """Outcomes of each listener, sorted by name; sessions of one listener are taken together."""
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        groups[result.listener].append(result)
    found = []
    for listener in sorted(groups):
        outcomes = [one for result in groups[listener] for attempt in attempts(result) for one in attempt.outcomes]
        phases = {
            phase: tuple(one for one in outcomes if one.asked.question.phase == phase) for phase in (TEST, CONTROL)
        }
        found.append(ListenerOutcomes(listener, tuple(groups[listener]), phases[TEST], phases[CONTROL]))
    return found


@dataclass(frozen=True)
class Cells:
    """Mean value of a condition and the number of answers behind it, for every listener and item.

    Shape:
        - values, counts: ``(listeners, items)``; a value without answers is 0
    """

    values: Table
    counts: Table

    @property
    def by_listener(self) -> Table:
        """Mean over all answers of each listener, ``(listeners,)``; not a number where there are none."""
        totals = self.counts.sum(axis=1)
        sums = (self.values * self.counts).sum(axis=1)
        return np.where(totals > 0, sums / np.maximum(totals, 1), np.nan)


def cells(listeners: Sequence[ListenerOutcomes], design: Design, condition: str, topic: str | None = None) -> Cells:
    """Values of a condition in test trials, by listener and item."""
    places = {item.name: place for place, item in enumerate(design.items)}
    sums, counts = np.zeros((2, len(listeners), len(places)))
    for row, listener in enumerate(listeners):
        for one in listener.test:
            if one.condition == condition and _about(one, topic):
                sums[row, places[one.asked.question.item]] += one.value
                counts[row, places[one.asked.question.item]] += 1
    return Cells(sums / np.maximum(counts, 1), counts)


def _about(outcome: Outcome, topic: str | None) -> bool:
    return topic is None or outcome.asked.question.topic == topic
