"""Result files: one small file a session, a line of JSON for each answer, appended and flushed to the disk.

The first line names study and session and holds, sealed, the design, the seed and the whole order of questions. So a
result can be analysed without the study, and a session that continues cannot draw another order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..checked import MALFORMED, shown
from ..errors import UserError
from ..files import write_whole
from .archive import Study
from .design import ABX, MUSHRA, RATING, THRESHOLD, Design, design_of
from .methods import Answer, Question, method_named, question_of
from .methods.base import ADAPTIVE, LABELS
from .seal import seal, unseal

FORMAT, VERSION = "sepprune-study-result", 1
#: bytes of a result file at most
LARGEST = 16 * 2**20


@dataclass(frozen=True)
class Result:
    """One session as it lies on the disk.

    Args:
        path: the file.
        study: digest of the study.
        session: identifier of the session, unique among machines.
        listener: what the listener is called; sessions of one listener share it.
        started: date and time, ISO 8601.
        title: of the study.
        design, order, facts: hidden until the results are merged.
        about: answers to the questionnaire.
        answers: in order, void attempts included.
        complete: whether all questions are answered.
        size: bytes of the file that are whole lines.
    """

    path: Path
    study: str
    session: str
    listener: str
    started: str
    title: str
    design: Design
    order: tuple[Question, ...]
    facts: Mapping[str, Any]
    about: Mapping[str, str]
    answers: tuple[Answer, ...]
    complete: bool
    size: int


def header(
    study: Study,
    session: str,
    listener: str,
    started: str,
    order: Sequence[Question],
    seed: int,
    about: Mapping[str, str],
) -> dict[str, Any]:
    """The first line of a result file."""
    kept = {key: value for key, value in study.facts.items() if key != "gains_db"}
    hidden = {"design": asdict(study.design), "order": [asdict(one) for one in order], "seed": seed, "facts": kept}
    return {
        "type": "session",
        "format": FORMAT,
        "version": VERSION,
        "study": study.digest,
        "title": study.texts.title,
        "session": session,
        "listener": listener,
        "started": started,
        "about": dict(about),
        "sealed": seal(hidden),
    }


def answer_line(answer: Answer) -> dict[str, Any]:
    """A line about one attempt; what has its default value is left out."""
    facts = {key: value for key, value in asdict(answer).items() if value not in (None, {}, 0)}
    return {"type": "answer", **facts, "position": answer.position, "seconds": round(answer.seconds, 3)}


def encoded(line: Mapping[str, Any]) -> bytes:
    """A line of the file."""
    return (json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n").encode()


def write_new(path: Path, lines: Sequence[Mapping[str, Any]], durable: bool = True) -> None:
    """Write a file that is there whole, or not at all.

    Args:
        path: the file; a file that exists is never replaced.
        lines: its content.
        durable: return only when it is on the disk, so that a power failure cannot lose it.

    Raises:
        UserError: the file exists or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise UserError(f"{path} exists: a session never replaces another, choose another folder")
        write_whole(path, b"".join(encoded(line) for line in lines), durable)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}): choose another folder for results") from error


def append(path: Path, size: int, line: Mapping[str, Any]) -> int:
    """Append a line behind the first ``size`` bytes, and return only when it is on the disk.

    What an interrupted append left behind those bytes is dropped first. Where the disk is full the file keeps them.

    Returns:
        The new size.

    Raises:
        UserError: the line cannot be written.
    """
    content = encoded(line)
    try:
        with open(path, "r+b", buffering=0) as file:  # unbuffered: closing must not try a failed write again
            file.truncate(size)
            file.seek(size)
            try:
                written = 0
                while written < len(content):
                    written += file.write(content[written:])
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise
    except OSError as error:
        raise UserError(
            f"the answer could not be written to {path} ({error.strerror}): make room on the disk and answer again"
        ) from error
    return size + len(content)


def read_result(path: Path) -> Result:
    """Read a session; a last line that a crash cut short is ignored.

    Raises:
        UserError: the file is missing, too large, damaged or no result.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path} is no result of a session: it has more than {LARGEST // 2**20} MB")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the result {path} ({error.strerror}): check the path") from error
    size = content.rfind(b"\n") + 1
    try:
        lines = [json.loads(line) for line in content[:size].splitlines()]
    except MALFORMED as error:
        raise UserError(f"the result {path} is damaged ({shown(error)}): copy the file again") from error
    if not lines or not all(isinstance(line, dict) for line in lines) or lines[0].get("format") != FORMAT:
        raise UserError(f"{path} is no result of a session: give files that a study wrote")
    first, rest = lines[0], lines[1:]
    if first.get("version") != VERSION:
        raise UserError(
            f"{path} has format version {shown(first.get('version'))}, this program reads {VERSION}: update it"
        )
    try:
        hidden = unseal(str(first["sealed"]), str(path))
        design, order = design_of(hidden["design"]), tuple(question_of(one) for one in hidden["order"])
        answers = tuple(_answer(line) for line in rest if line["type"] == "answer")
        _check(path, design, order, answers)
        return Result(
            path,
            str(first["study"]),
            str(first["session"]),
            str(first["listener"]),
            str(first["started"]),
            str(first["title"]),
            design,
            order,
            dict(hidden["facts"]),
            {str(key): str(value) for key, value in first["about"].items()},
            answers,
            method_named(design.method).following(design, order, answers) is None,
            size,
        )
    except MALFORMED as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"the result {path} is incomplete ({shown(error)}): copy the file again") from error


def _check(path: Path, design: Design, order: Sequence[Question], answers: Sequence[Answer]) -> None:
    """Whether questions name what the design has, and answers belong to questions."""
    items, names = {one.name for one in design.items}, {one.name for one in design.conditions} | {ADAPTIVE}
    hidden, sizes = design.method in (ABX, THRESHOLD), {MUSHRA: len(design.conditions), RATING: 1}
    whole = all(
        one.item in items
        and names.issuperset(one.conditions)
        and len(one.conditions) == sizes.get(design.method, 2)
        and (one.target in (0, 1)) == hidden
        for one in order
    )
    for one in answers:
        scored = one.void is None and design.method == MUSHRA
        fits = 0 <= one.position < len(order)
        whole &= fits and (not scored or set(one.scores) == set(LABELS[: len(order[one.position].conditions)]))
    if not whole:
        raise UserError(f"the result {path} holds questions or answers that do not fit its study: copy the file again")


def _answer(line: Mapping[str, Any]) -> Answer:
    return Answer(
        int(line["position"]),
        None if line.get("choice") is None else str(line["choice"]),
        {str(key): int(value) for key, value in line.get("scores", {}).items()},
        float(line.get("seconds", 0.0)),
        {str(key): int(value) for key, value in line.get("plays", {}).items()},
        None if line.get("void") is None else str(line["void"]),
        int(line.get("late", 0)),
    )
