"""Results of any number of machines, together: tables, report and one JSON object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import write_whole
from .analysis import Analysis, Estimate, analyse
from .conclusion import conclusion
from .report import report
from .results import Result, read_result
from .tables import write_tables


def read_results(paths: Sequence[Path]) -> list[Result]:
    """Sessions of result files, and of all result files in folders; of a session that comes twice the longer one.

    Raises:
        UserError: a path is missing, a file is damaged or no result, or two files claim to be the same session and have
            different answers.
    """
    found: dict[tuple[str, str], Result] = {}
    for path in paths:
        files = sorted(path.glob("session-*.jsonl")) if path.is_dir() else [path]
        if not files:
            raise UserError(f"the folder {path} holds no session-*.jsonl: give files or folders that a study wrote")
        for file in files:
            result = read_result(file)
            known = found.setdefault((result.study, result.session), result)
            shorter, longer = sorted((known, result), key=lambda one: len(one.answers))
            if (shorter.order, shorter.answers) != (longer.order, longer.answers[: len(shorter.answers)]):
                raise UserError(
                    f"{known.path} and {result.path} are the session {result.session} with different answers: give one "
                    "of them"
                )
            found[result.study, result.session] = longer
    return sorted(found.values(), key=lambda one: (one.started, one.session))


def merge(results: Sequence[Result], out: Path, times: Mapping[int, float] | None = None) -> dict[str, Any]:
    """Analyse, and write ``answers.csv``, webMUSHRA's tables and ``report.html``.

    Args:
        results: of one study.
        out: folder, made where it is missing.
        times: measured chunk time by level in ms, in place of what the study has.

    Returns:
        ``listeners``, ``excluded``, ``trials``, ``by_level``, ``conclusion``, and more; see the contract.

    Raises:
        UserError: results do not belong together, or the folder cannot be written.
    """
    analysis = with_times(analyse(results), times or {})
    files = write_tables(results, out)
    page = out / "report.html"
    try:
        write_whole(page, report(analysis).encode())
    except OSError as error:
        raise UserError(f"cannot write {page} ({error.strerror}): choose another folder with --out") from error
    return {
        "listeners": len(analysis.listeners),
        "excluded": [{"listener": one.listener, "rule": one.rule} for one in analysis.excluded],
        "trials": analysis.trials,
        "void": analysis.void,
        "method": analysis.design.method,
        "by_level": [{"level": one.condition.level, **_json(one)} for one in analysis.levels],
        "others": [_json(one) for one in analysis.others],
        "thresholds": [
            {
                "listener": name,
                "threshold": one.median,
                "interval": [one.low, one.high],
                "hears_none": one.hears_none,
                "last_unheard": one.last_unheard,
            }
            for name, one in sorted(analysis.thresholds.items())
        ],
        "omnibus_p": analysis.omnibus,
        "conclusion": conclusion(analysis),
        "files": [str(file) for file in (*files, page)],
    }


def exclusions(report: Mapping[str, Any]) -> str:
    """How many listeners of a report were excluded, by rule; empty where none was."""
    rules = Counter(one["rule"] for one in report["excluded"])
    if not rules:
        return ""
    number = rules.total()
    why = ", ".join(f"{count} for {rule!r}" for rule, count in rules.items())
    return f"{number} of {number + report['listeners']} listeners excluded: {why}"


def with_times(analysis: Analysis, times: Mapping[int, float]) -> Analysis:
    """The analysis with measured chunk times of the levels."""
    levels = []
    for one in analysis.levels:
        level = one.condition.level
        if level is not None and level in times:
            one = replace(one, condition=replace(one.condition, chunk_ms=times[level]))
        levels.append(one)
    return replace(analysis, levels=tuple(levels))


def _json(estimate: Estimate) -> dict[str, Any]:
    return {
        "condition": estimate.condition.name,
        "topic": estimate.topic,
        "estimate": estimate.estimate,
        "interval": list(estimate.interval),
        "p": estimate.p,
        "p_adjusted": estimate.p_adjusted,
        "upper_bound": estimate.upper_bound,
        "quartiles": None if estimate.quartiles is None else list(estimate.quartiles),
        "listeners": estimate.listeners,
        "trials": estimate.trials,
        "macs_per_second": estimate.condition.macs_per_second,
        "chunk_ms": estimate.condition.chunk_ms,
    }
