"""One conclusion in words, no stronger than the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..printing import counted
from .analysis import ALPHA, INDISTINGUISHABLE, Analysis, Estimate
from .design import ABX, PREFERENCE, THRESHOLD


def conclusion(analysis: Analysis) -> str:
    """What the study shows, what it rules out and what it leaves open."""
    if not analysis.listeners:
        return "No conclusion: no listener is left after the exclusions."
    if analysis.design.method == ABX:
        return _abx(analysis)
    if analysis.design.method == THRESHOLD:
        return _threshold(analysis)
    return _scores(analysis)


def _abx(analysis: Analysis) -> str:
    heard = [one for one in analysis.levels if _significant(one)]
    controlled = analysis.design.controls > 0
    same = [one for one in analysis.levels if controlled and one not in heard and _bound(one) < INDISTINGUISHABLE]
    open_ = [one for one in analysis.levels if one not in heard and one not in same]
    baseline, parts = _baseline(analysis), list[str]()
    if heard:
        shares = ", ".join(f"{one.estimate:.0%}" for one in heard)
        parts.append(
            f"{_names(heard)} can be told from {baseline}: {shares} of the answers were right "
            f"(adjusted p at most {max(one.p_adjusted or 0.0 for one in heard):.2g})."
        )
    if same:
        bound = max(map(_bound, same))
        parts.append(
            f"{_names(same)} could not be told from {baseline}: at most {bound:.0%} right answers are compatible with "
            "the data (one-sided 95 % bound; guessing gives 50 %), and every listener heard the positive control."
        )
    if open_:
        parts.append(f"The study does not decide about {_names(open_, 'about')}: more trials or listeners are needed.")
    return _sentences(parts, analysis)


def _threshold(analysis: Analysis) -> str:
    found = list(analysis.thresholds.values())
    none, last = sum(one.hears_none for one in found), analysis.design.compared[-1].level
    who = f"{none} of {counted(len(found), 'listener')} {'hears' if none == 1 else 'hear'}"
    middle = float(np.median([one.median for one in found]))
    if none * 2 > len(found):
        first = f"{who} no difference from {_baseline(analysis)} up to level {last}."
        return _sentences([first], analysis)
    unheard = [one.level for one in analysis.design.compared if one.level is not None and one.level < middle]
    lightest = f"level {unheard[-1]}" if unheard else "none of the levels"
    parts = [
        f"The median threshold is {middle:.1f} levels: {lightest} is the lightest that half of the listeners cannot "
        f"tell from {_baseline(analysis)}."
    ]
    if none:
        parts.append(f"{who} no difference up to level {last}.")
    return _sentences(parts, analysis)


def _scores(analysis: Analysis) -> str:
    preference, parts = analysis.design.method == PREFERENCE, list[str]()
    words = ("preferred less", "preferred more") if preference else ("judged worse", "judged better")
    for topic in dict.fromkeys(one.topic for one in analysis.levels):
        some = [one for one in analysis.levels if one.topic == topic]
        tested = [one for one in some if one.p_adjusted is not None]
        base = next((one.estimate for one in some if one.p_adjusted is None), 0.5)
        about = {"voice": "In the voice, ", "other": "In what is left of the other voice, "}.get(topic or "", "")
        than = _baseline(analysis) + ("" if preference else f" ({base:.1f})")
        for better, word in enumerate(words):
            found = [one for one in tested if _significant(one) and (one.estimate >= base) == bool(better)]
            if found:
                figures = ", ".join(f"{one.estimate:.0%}" if preference else f"{one.estimate:.1f}" for one in found)
                verb = "is" if len(found) == 1 else "are"
                parts.append(f"{about}{_names(found, about)} {verb} {word} than {than}: {figures}.")
        rest = [one for one in tested if not _significant(one)]
        if rest:
            parts.append(
                f"{about}no difference between {_baseline(analysis)} and {_names(rest, 'and')} was found, which does "
                "not prove that there is none."
            )
    if not preference and len(analysis.listeners) < 6:
        parts.append("With fewer than 6 listeners no difference can reach 5 %.")
    return _sentences(parts, analysis)


def _sentences(parts: Sequence[str], analysis: Analysis) -> str:
    text = " ".join(part[0].upper() + part[1:] for part in parts)
    count = len(analysis.listeners)
    return f"{text} This rests on {counted(count, 'listener')} and {counted(analysis.trials, 'answer')}."


def _significant(estimate: Estimate) -> bool:
    return estimate.p_adjusted is not None and estimate.p_adjusted <= ALPHA


def _bound(estimate: Estimate) -> float:
    return 1.0 if estimate.upper_bound is None else estimate.upper_bound


def _baseline(analysis: Analysis) -> str:
    level = analysis.design.condition(analysis.design.baseline).level
    return "the unprocessed mixture" if level is None else f"level {level}"


def _names(estimates: Sequence[Estimate], before: str = "") -> str:
    """Levels in words, with a capital letter where nothing stands before them."""
    word = "level" if before else "Level"
    numbers = [str(one.condition.level) for one in estimates]
    if len(numbers) == 1:
        return f"{word} {numbers[0]}"
    return f"{word}s {', '.join(numbers[:-1])} and {numbers[-1]}"
