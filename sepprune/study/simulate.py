"""Planning a study: what simulated listeners would give, through the trial logic and analysis of real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import UserError
from .analysis import ALPHA, Analysis, analyse, counts, threshold_of
from .archive import Study
from .design import ABX, PREFERENCE, THRESHOLD, Condition, Design
from .listeners import GUESS, Simulated
from .methods import Answer, method_named
from .outcomes import ListenerOutcomes, by_listener
from .results import Result, answer_line, header, write_new
from .session import draw_order
from .statistics import anytime, binomial, paired

#: simulated studies where one answer needs a whole study
REPEATS = 100
#: a share of correct answers this near to one half is guessing
_NEAR = 0.001
_STARTED = "2000-01-01T00:00:00+00:00"


@dataclass(frozen=True)
class Simulation:
    """What simulated listeners give.

    Args:
        sessions: in one study.
        unit: ``session`` where each session is judged alone (ABX, threshold), else ``study``.
        studies: simulated.
        power: share of truly audible differences that were found; threshold: share of thresholds within one level.
            ``None`` where there is nothing to find.
        false_alarms: share of units that claim a difference where there is none. ``None`` where every level differs.
        interval_coverage: share of 95 % intervals that hold the true value.
    """

    sessions: int
    unit: str
    studies: int
    power: float | None
    false_alarms: float | None
    interval_coverage: float | None


@dataclass(frozen=True)
class _Verdict:
    """What a unit found: levels that differ and were found or missed, any false claim, intervals right or wrong."""

    found: tuple[bool, ...]
    false_alarm: bool | None
    covered: tuple[bool, ...]


def simulate(
    study: Study,
    listener: Simulated,
    sessions: int,
    folder: Path,
    seed: int = 0,
    repeats: int = REPEATS,
    advance: Callable[[float], None] = lambda share: None,
) -> Simulation:
    """Let simulated listeners take part and judge what the study finds. Result files of the first study are written.

    Args:
        study: the study.
        listener: kind of listener.
        sessions: listeners in a study.
        folder: for result files, as real sessions write them.
        seed: of everything that is drawn.
        repeats: simulated studies, where a verdict needs all listeners of one.
        advance: called with the share that is done.

    Raises:
        UserError: the number of sessions is not possible, or the folder cannot be written.
    """
    if not 1 <= sessions <= 100_000:
        raise UserError(f"--sessions {sessions} is not possible: give 1 to 100000")
    alone, verdicts = study.design.method in (ABX, THRESHOLD), list[_Verdict]()
    studies = 1 if alone else repeats
    for number in range(studies):
        results = []
        for index in range(sessions):
            result, drawn = simulated_session(study, listener, (seed, number, index))
            results.append(result)
            if not number:
                _write(study, folder / result.path, result, drawn)
            advance((number * sessions + index + 1) / (studies * sessions))
        if alone:
            verdicts += [_judge_session(one, listener) for one in by_listener(results)]
        else:
            verdicts.append(_judge_study(analyse(results), listener))
    return Simulation(
        sessions,
        "session" if alone else "study",
        studies,
        _share([one for verdict in verdicts for one in verdict.found]),
        _share([one.false_alarm for one in verdicts if one.false_alarm is not None]),
        _share([one for verdict in verdicts for one in verdict.covered]),
    )


def simulated_session(study: Study, listener: Simulated, seed: tuple[int, ...]) -> tuple[Result, int]:
    """One session in memory, and the seed of its order; equal seeds give equal sessions."""
    rng = np.random.default_rng(seed)
    drawn, method, design = int(rng.integers(2**48)), method_named(study.design.method), study.design
    order, bias, answers = draw_order(study, drawn), listener.bias(rng), list[Answer]()
    while (asked := method.following(design, order, answers)) is not None:
        answers.append(listener.answer(design, method, asked, bias, rng))
    name = "-".join(map(str, (listener.kind, *([] if listener.threshold is None else [listener.threshold]), *seed)))
    session = f"simulated-{name}"
    kept = {key: value for key, value in study.facts.items() if key != "gains_db"}
    result = Result(
        Path(f"session-{session}.jsonl"),
        study.digest,
        session,
        f"listener-{name}",
        _STARTED,
        study.texts.title,
        design,
        order,
        kept,
        {},
        tuple(answers),
        True,
        0,
    )
    return result, drawn


def _write(study: Study, path: Path, result: Result, seed: int) -> None:
    first = header(study, result.session, result.listener, result.started, result.order, seed, result.about)
    write_new(path, [first, *map(answer_line, result.answers)], durable=False)  # a simulation can be run again


def _judge_session(listener: ListenerOutcomes, kind: Simulated) -> _Verdict:
    design = listener.sessions[0].design
    if design.method == THRESHOLD:
        return _judge_threshold(listener, kind)
    compared = design.compared
    pairs = [counts(listener, one.name) for one in compared]
    if design.open_ended:
        p_values = [min(1.0, 1 / anytime.e_value(*one)) for one in pairs]
        intervals = [anytime.confidence_sequence(*one) for one in pairs]
    else:
        p_values = [binomial.p_value(*one) for one in pairs]
        intervals = [binomial.interval(*one) for one in pairs]
    claimed = [p <= ALPHA for p in paired.holm(p_values)]
    truths = [kind.share(one) for one in compared]
    null = [claim for claim, truth in zip(claimed, truths, strict=True) if truth < 0.5 + _NEAR]
    audible = [claim for claim, one in zip(claimed, compared, strict=True) if _audible(kind, one)]
    covered = tuple(low <= truth <= high for truth, (low, high) in zip(truths, intervals, strict=True))
    return _Verdict(tuple(audible), any(null) if null else None, covered)


def _judge_threshold(listener: ListenerOutcomes, kind: Simulated) -> _Verdict:
    estimate, design = threshold_of(listener), listener.sessions[0].design
    last = max(one.level for one in design.compared if one.level is not None)
    if kind.kind == GUESS or (kind.threshold is not None and kind.threshold > last + 2):
        return _Verdict((), not estimate.hears_none, ())
    if kind.threshold is None:  # hears everything: no threshold lies among the levels
        return _Verdict((not estimate.hears_none,), None, ())
    near = abs(estimate.median - kind.threshold) <= 1
    return _Verdict((near,), None, (estimate.low <= kind.threshold <= estimate.high,))


def _judge_study(analysis: Analysis, kind: Simulated) -> _Verdict:
    design = analysis.design
    same = 0.5 if design.method == PREFERENCE else _true(kind, design, design.condition(design.baseline))
    found, null, covered = list[bool](), list[bool](), list[bool]()
    for one in analysis.levels:
        truth = _true(kind, design, one.condition)
        covered.append(one.interval[0] <= truth <= one.interval[1])
        if one.p_adjusted is not None and abs(truth - same) < _NEAR:
            null.append(one.p_adjusted <= ALPHA)
        elif one.p_adjusted is not None and _audible(kind, one.condition):
            found.append(one.p_adjusted <= ALPHA)
    return _Verdict(tuple(found), any(null) if null else None, tuple(covered))


@lru_cache(maxsize=256)
def _true(kind: Simulated, design: Design, condition: Condition) -> float:
    return kind.true_value(design, condition)


def _audible(kind: Simulated, condition: Condition) -> bool:
    if kind.kind == GUESS or condition.level is None:
        return False
    return kind.threshold is None or condition.level >= kind.threshold


def _share(values: list[bool]) -> float | None:
    return float(np.mean(values)) if values else None
