"""Estimates for every level, with intervals and corrected p-values; listeners are the unit, not answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest

from ..errors import UserError
from .design import ABX, MUSHRA, PREFERENCE, RATING, THRESHOLD, Condition, Design
from .exclusions import excluded
from .methods.rating import OTHER, VOICE
from .methods.threshold import Threshold, grid_of
from .outcomes import Cells, ListenerOutcomes, Table, by_listener, cells
from .results import Result
from .statistics import anytime, binomial, bootstrap, paired
from .statistics.psychometric import ThresholdEstimate
from .statistics.screening import Exclusion, bimodality

ALPHA = 0.05
#: a level "cannot be told apart" where at most this share of correct answers is compatible with the data
INDISTINGUISHABLE = 0.75
#: with fewer listeners no sign flip reaches 5 %; each listener's own exact test is used instead
FEWEST_FOR_SIGN_FLIPS = 6


@dataclass(frozen=True)
class Estimate:
    """What listeners say about one condition.

    Args:
        condition: a level, a reference or an anchor.
        topic: the question, ``None`` where the method has only one.
        estimate: ABX: share of correct answers; preference: share preferred to the baseline; MUSHRA: mean score;
            rating: mean category; threshold: share of listeners who hear the level.
        interval: 95 %.
        listeners, trials: numbers behind the estimate.
        p, p_adjusted: of no difference from the baseline, before and after Holm's correction over all levels.
        upper_bound: ABX with fixed trials: one-sided 95 % bound on the share of correct answers.
        quartiles: MUSHRA and rating: of all values, the median in the middle.
        bimodality: above 5/9 listeners may fall into groups; MUSHRA and rating.
    """

    condition: Condition
    topic: str | None
    estimate: float
    interval: tuple[float, float]
    listeners: int
    trials: int
    p: float | None = None
    p_adjusted: float | None = None
    upper_bound: float | None = None
    quartiles: tuple[float, float, float] | None = None
    bimodality: float | None = None


@dataclass(frozen=True)
class Analysis:
    """A study, analysed.

    Args:
        design: of the study.
        title: of the study.
        listeners: names of those who are in the estimates.
        excluded: who is left out, by which rule.
        trials: counted test trials of the listeners who are in the estimates.
        void: attempts that did not count, of all listeners.
        levels: an estimate for each level and topic, dense first.
        others: the same for references and anchors.
        thresholds: threshold method: listener -> threshold.
        omnibus: MUSHRA, rating: topic -> p of Friedman's test that all levels are equal.
    """

    design: Design
    title: str
    listeners: tuple[str, ...]
    excluded: tuple[Exclusion, ...]
    trials: int
    void: int
    levels: tuple[Estimate, ...]
    others: tuple[Estimate, ...]
    thresholds: dict[str, ThresholdEstimate]
    omnibus: dict[str, float]


def analyse(results: Sequence[Result]) -> Analysis:
    """Analyse the sessions of one study.

    Raises:
        UserError: there is no session, or sessions belong to different studies.
    """
    if not results:
        raise UserError("there is no result to merge: give the session files that a study wrote")
    if len({(one.study, one.design) for one in results}) > 1:
        raise UserError("these results belong to different studies: merge the results of one study at a time")
    design = results[0].design
    complete = by_listener(one for one in results if one.complete)
    out = excluded(design, complete, results)
    left = {one.listener for one in out}
    kept = [one for one in complete if one.listener not in left]
    topics = (VOICE, OTHER) if design.method == RATING else (None,)
    estimates = [
        _estimate(design, kept, condition, topic)
        for topic in topics
        for condition in design.conditions
        if kept and _is_judged(design, condition)
    ]
    levels = _corrected([one for one in estimates if one.condition.level is not None])
    return Analysis(
        design,
        results[0].title,
        tuple(one.listener for one in kept),
        out,
        sum(len({(one.asked.position, id(one.answer)) for one in listener.test}) for listener in kept),
        sum(answer.void is not None for result in results for answer in result.answers),
        tuple(levels),
        tuple(one for one in estimates if one.condition.level is None),
        {one.listener: threshold_of(one) for one in kept} if design.method == THRESHOLD else {},
        {topic or "quality": _omnibus(design, kept, topic) for topic in topics}
        if kept and design.method in (MUSHRA, RATING)
        else {},
    )


def threshold_of(listener: ListenerOutcomes) -> ThresholdEstimate:
    """Threshold of a listener from all test trials of the sessions."""
    design, asked, correct = listener.sessions[0].design, list[int](), list[bool]()
    for result in listener.sessions:
        levels, right = Threshold().history(design, result.order, result.answers)
        asked, correct = asked + levels, correct + right
    return grid_of(tuple(sorted(one.level for one in design.compared if one.level is not None))).estimate(
        asked, correct
    )


def counts(listener: ListenerOutcomes, condition: str) -> tuple[int, int]:
    """Right answers and trials of an ABX comparison."""
    values = listener.values(condition)
    return int(sum(values)), len(values)


def _is_judged(design: Design, condition: Condition) -> bool:
    """Whether the condition has values of its own: in comparisons the baseline and the control have none."""
    return design.method in (MUSHRA, RATING) or condition in design.compared


def _estimate(
    design: Design, listeners: Sequence[ListenerOutcomes], condition: Condition, topic: str | None
) -> Estimate:
    answered = cells(listeners, design, condition.name, topic)
    trials = sum(len(one.values(condition.name, topic)) for one in listeners)
    shares = answered.by_listener
    average = float(np.nanmean(shares)) if np.isfinite(shares).any() else float("nan")
    interval = bootstrap.interval(answered.values, answered.counts)
    found = Estimate(condition, topic, average, interval, listeners=len(listeners), trials=trials)
    if design.method == ABX:
        return _abx(design, listeners, found, answered)
    if design.method == PREFERENCE:
        return replace(found, p=_preference_p(listeners, condition.name, shares))
    if design.method == THRESHOLD:
        heard = sum(threshold_of(one).median <= (condition.level or 0) for one in listeners)
        interval = binomial.interval(heard, len(listeners))
        return replace(found, estimate=heard / len(listeners), interval=interval)
    p = None
    if condition in design.compared:
        p = paired.wilcoxon(shares - cells(listeners, design, design.baseline, topic).by_listener)
    scores = [value for one in listeners for value in one.values(condition.name, topic)]
    low, middle, high = np.percentile(scores, [25, 50, 75])
    return replace(found, p=p, quartiles=(float(low), float(middle), float(high)), bimodality=bimodality(shares))


def _abx(design: Design, listeners: Sequence[ListenerOutcomes], found: Estimate, answered: Cells) -> Estimate:
    pairs = [counts(one, found.condition.name) for one in listeners]
    right, trials = sum(one for one, _ in pairs), sum(one for _, one in pairs)
    if design.open_ended:
        evidence = float(np.prod([anytime.e_value(*one) for one in pairs]))
        alone = anytime.confidence_sequence(*pairs[0])
        interval = alone if len(pairs) == 1 else found.interval
        return replace(found, p=min(1.0, 1 / evidence), interval=interval)
    if len(pairs) >= FEWEST_FOR_SIGN_FLIPS:
        p = paired.sign_flip(answered.by_listener - binomial.CHANCE, "greater")
    else:
        p = min(1.0, len(pairs) * min(binomial.p_value(*one) for one in pairs))
    bound, interval = binomial.upper_bound(right, trials), binomial.interval(right, trials)
    if len(pairs) > 1:  # listeners and items differ: the wider of the two holds
        bound = max(bound, bootstrap.interval(answered.values, answered.counts, 0.9)[1])
        interval = found.interval
    return replace(found, p=p, upper_bound=bound, interval=interval)


def _preference_p(listeners: Sequence[ListenerOutcomes], condition: str, shares: Table) -> float:
    if len(listeners) >= FEWEST_FOR_SIGN_FLIPS:
        return paired.sign_flip(shares - 0.5)
    tests = []
    for one in listeners:
        values = one.values(condition)
        wins, decided = sum(value == 1.0 for value in values), sum(value != 0.5 for value in values)
        tests.append(float(binomtest(wins, decided).pvalue) if decided else 1.0)
    return min(1.0, len(listeners) * min(tests))


def _corrected(estimates: Sequence[Estimate]) -> list[Estimate]:
    """Holm's correction over all levels and topics that have a p-value."""
    tested = [one.p for one in estimates if one.p is not None]
    adjusted = iter(paired.holm(tested))
    return [one if one.p is None else replace(one, p_adjusted=next(adjusted)) for one in estimates]


def _omnibus(design: Design, listeners: Sequence[ListenerOutcomes], topic: str | None) -> float:
    names = [one.name for one in design.conditions if one.level is not None]
    return paired.friedman(np.stack([cells(listeners, design, name, topic).by_listener for name in names], axis=1))
