"""Which listeners are left out of an analysis, by rules that are fixed before the answers are seen."""

from __future__ import annotations

from collections.abc import Sequence
from operator import lt, ne

from .design import ABX, MIXTURE, MUSHRA, PREFERENCE, RATING, REFERENCE, THRESHOLD, Design
from .methods.rating import OTHER
from .outcomes import ListenerOutcomes
from .results import Result
from .statistics import binomial
from .statistics.screening import Exclusion, screen

INCOMPLETE = "no complete session"
CONTROL_NOT_HEARD = "positive control not heard"


def excluded(design: Design, listeners: Sequence[ListenerOutcomes], results: Sequence[Result]) -> tuple[Exclusion, ...]:
    """Listeners to leave out: without a complete session, or by the rule of the method.

    ABX, threshold, preference: the positive control was not told from the baseline at 5 %. MUSHRA: both rules of
    BS.1534-3, with the mixture in place of the mid anchor. Rating: in what is left of the other voice, the mixture is
    not rated below the baseline on so many items that a sign test reaches 5 %.

    Args:
        design: of the study.
        listeners: with complete sessions.
        results: all sessions.
    """
    complete = {one.listener for one in listeners}
    found = [Exclusion(name, INCOMPLETE) for name in sorted({one.listener for one in results} - complete)]
    if design.method == MUSHRA:
        reference, anchor = (
            {one.listener: _by_item(one, condition) for one in listeners} for condition in (REFERENCE, MIXTURE)
        )
        return (*found, *screen(reference, anchor))
    return (
        *found,
        *(Exclusion(one.listener, CONTROL_NOT_HEARD) for one in listeners if not control_heard(design, one)),
    )


def control_heard(design: Design, listener: ListenerOutcomes) -> bool:
    """Whether a listener tells the control condition from the baseline."""
    if design.method == RATING:
        control, baseline = (_by_item(listener, name, OTHER) for name in (design.control, design.baseline))
        pairs = [(control[item], baseline[item]) for item in control.keys() & baseline.keys()]
        worse, different = (sum(test(one, other) for one, other in pairs) for test in (lt, ne))
        return binomial.p_value(worse, different) <= 0.05
    if design.method not in (ABX, THRESHOLD, PREFERENCE) or not design.controls:
        return True
    values = listener.control_values(design.baseline)  # right answers, or preferences of the baseline
    return binomial.p_value(sum(value == 1.0 for value in values), len(values)) <= 0.05


def _by_item(listener: ListenerOutcomes, condition: str, topic: str | None = None) -> dict[str, float]:
    """Value of each item; the lowest where a listener took part twice."""
    scores: dict[str, float] = {}
    for one in listener.test:
        if one.condition == condition and topic in (None, one.asked.question.topic):
            item = one.asked.question.item
            scores[item] = min(one.value, scores.get(item, one.value))
    return scores
