"""Results as CSV: one long table of every attempt, and the tables that webMUSHRA and pymushra write."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path

from ..errors import UserError
from ..files import write_whole
from .design import ABX, MUSHRA, PREFERENCE, RATING, THRESHOLD
from .methods import TEST, Outcome
from .outcomes import Attempt, attempts
from .results import Result

Row = dict[str, str | int | float | None]

LONG = (
    "session", "listener", "started", "method", "trial", "attempt", "phase", "topic", "item", "condition", "level",
    "against", "value", "response", "seconds", "plays", "late", "void",
)  # fmt: skip


def write_tables(results: Sequence[Result], folder: Path) -> list[Path]:
    """Write all tables that fit the method.

    ``answers.csv`` is long: a row for each attempt and condition, training and void attempts included, with the answers
    to the questionnaire in columns that begin with ``about_``. MUSHRA also
    gives ``mushra.csv`` (webMUSHRA) and ``pymushra.csv`` (the flattened names of pymushra); comparisons give
    ``paired_comparison.csv``, ratings ``lms.csv`` (both webMUSHRA).

    Raises:
        UserError: a file cannot be written.
    """
    method = results[0].design.method
    wanted: dict[str, list[Row]] = {"answers.csv": [row for one in results for row in _long(one)]}
    if method == MUSHRA:
        wanted["mushra.csv"] = [row for one in results for row in _mushra(one)]
        wanted["pymushra.csv"] = [row for one in results for row in _pymushra(one)]
    if method in (ABX, THRESHOLD, PREFERENCE):
        wanted["paired_comparison.csv"] = [row for one in results for row in _paired(one)]
    if method == RATING:
        wanted["lms.csv"] = [row for one in results for row in _likert(one)]
    found = []
    for name, rows in wanted.items():
        columns = list(LONG) if name == "answers.csv" else list(rows[0]) if rows else []
        found.append(_write(folder / name, columns, rows))
    return found


def _long(result: Result) -> Iterable[Row]:
    for attempt in attempts(result):
        question, answer = attempt.asked.question, attempt.answer
        given = answer.choice or " ".join(f"{label}={score}" for label, score in answer.scores.items()) or None
        shared: Row = {
            "session": result.session,
            "listener": result.listener,
            "started": result.started,
            "method": result.design.method,
            "trial": attempt.asked.position + 1,
            "attempt": attempt.asked.attempt + 1,
            "phase": question.phase,
            "topic": question.topic,
            "item": question.item,
        }
        about: Row = {
            "response": given,
            "seconds": answer.seconds,
            "plays": " ".join(f"{label}={count}" for label, count in answer.plays.items()),
            "late": answer.late,
            "void": answer.void,
            **{f"about_{name}": given for name, given in result.about.items()},
        }
        for one in _judged(result, attempt):
            level = result.design.condition(one.condition).level
            of_condition: Row = {
                "condition": one.condition, "level": level, "against": one.against, "value": one.value
            }  # fmt: skip
            yield {**shared, **of_condition, **about}
        if not attempt.outcomes:
            yield {**shared, **about}


def _judged(result: Result, attempt: Attempt) -> list[Outcome]:
    """Outcomes without those that only repeat a comparison from the baseline's side."""
    baseline = result.design.baseline
    return [one for one in attempt.outcomes if one.against is None or one.condition != baseline]


def _counted(result: Result) -> Iterable[tuple[Attempt, list[Outcome]]]:
    for attempt in attempts(result):
        if attempt.asked.question.phase == TEST and attempt.outcomes:
            yield attempt, _judged(result, attempt)


def _mushra(result: Result) -> Iterable[Row]:
    for attempt, outcomes in _counted(result):
        for one in outcomes:
            yield {
                "session_test_id": result.title,
                **result.about,
                "session_uuid": result.session,
                "trial_id": attempt.asked.question.item,
                "rating_stimulus": one.condition,
                "rating_score": int(one.value),
                "rating_time": round(1000 * attempt.answer.seconds),
                "rating_comment": "",
            }


def _pymushra(result: Result) -> Iterable[Row]:
    for attempt, outcomes in _counted(result):
        for one in outcomes:
            yield {
                "questionaire_uuid": result.session,
                "wm_id": attempt.asked.question.item,
                "wm_type": "mushra",
                "wm_date": result.started,
                "responses_stimulus": one.condition,
                "responses_score": int(one.value),
                "responses_time": round(1000 * attempt.answer.seconds),
            }


def _paired(result: Result) -> Iterable[Row]:
    words = {1.0: "incorrect", 0.5: "undecided", 0.0: "correct"}  # the level preferred to the baseline is "incorrect"
    for attempt, outcomes in _counted(result):
        for one in outcomes:
            right = words if result.design.method == PREFERENCE else {1.0: "correct", 0.0: "incorrect"}
            yield {
                "session_test_id": result.title,
                **result.about,
                "trial_id": attempt.asked.question.item,
                "choice_reference": one.against or "",
                "choice_non_reference": one.condition,
                "choice_answer": right[one.value],
                "choice_time": round(1000 * attempt.answer.seconds),
                "choice_comment": "",
            }


def _likert(result: Result) -> Iterable[Row]:
    for attempt, outcomes in _counted(result):
        for one in outcomes:
            yield {
                "session_test_id": result.title,
                **result.about,
                "trial_id": f"{attempt.asked.question.item}-{attempt.asked.question.topic}",
                "stimuli_rating": int(one.value),
                "stimuli": one.condition,
                "rating_time": round(1000 * attempt.answer.seconds),
            }


def _write(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> Path:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys((*columns, *(key for row in rows for key in row)))))
    writer.writeheader()
    writer.writerows([{key: _safe(value) for key, value in row.items()} for row in rows])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.getvalue().encode())
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}): choose another folder with --out") from error
    return path


def _safe(value: str | int | float | None) -> str | int | float | None:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
