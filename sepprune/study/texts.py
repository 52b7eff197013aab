"""What listeners read: instructions, questions and scales. A study carries its texts, so they can be translated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..checked import MALFORMED, shown
from ..errors import UserError
from .design import ABX, MUSHRA, PREFERENCE, RATING, THRESHOLD

CONSENT = (
    "This is a listening test. It stores your answers, the times they took, and what you enter about yourself. "
    "It stores no name and no recording of you. You may stop at any time; what is stored up to then stays in the "
    "result file, which you may delete."
)
_COMMON = (
    "Wear headphones in a quiet room. Set a comfortable volume on the volume page and do not change it later. "
    "Each sample is one voice that a program separated from a recording of two people. You may listen as often as "
    "you like, switch at any moment and loop a part. Take a break when you are tired."
)
_INSTRUCTIONS = {
    ABX: "X is either A or B. Listen to all three and choose which one X is. If you are not sure, guess.",
    THRESHOLD: "X is either A or B. Listen to all three and choose which one X is. If you are not sure, guess. "
    "The test becomes as difficult as you can just manage: it is normal to be unsure most of the time.",
    PREFERENCE: "Listen to A and B and choose which of them you prefer. You may say that you have no preference.",
    MUSHRA: "Compare every sample with the reference and give it a score from 0 (bad) to 100 (excellent) for its "
    "overall quality. One of the samples is the reference itself and should get 100.",
    RATING: "Listen to one sample at a time and answer one question about it. The question stays the same for a "
    "whole part of the test, then it changes.",
}
_QUESTIONS = {
    "same": "Which one is X?",
    "prefer": "Which one do you prefer?",
    "quality": "How good is each sample, compared with the reference?",
    "voice": "Attend only to the main voice. How distorted is it?",
    "other": "Attend only to what is left of the other voice and of noise. How noticeable is it?",
}
#: from the best to the worst; categories of ITU-T P.835, and the five ranges of BS.1534-3
_SCALES = {
    "quality": ("Excellent", "Good", "Fair", "Poor", "Bad"),
    "voice": (
        "Not distorted",
        "Slightly distorted",
        "Somewhat distorted",
        "Fairly distorted",
        "Very distorted",
    ),
    "other": (
        "Not noticeable",
        "Slightly noticeable",
        "Noticeable but not intrusive",
        "Somewhat intrusive",
        "Very intrusive",
    ),
}
_TOPICS = {ABX: ("same",), THRESHOLD: ("same",), PREFERENCE: ("prefer",), MUSHRA: ("quality",)}
_QUESTIONNAIRE = {"age": "Your age", "gender": "Your gender (may stay empty)", "headphones": "Headphones you wear"}
#: characters of one text at most
LONGEST = 20_000
#: questions of a questionnaire at most, and characters of one
MOST_QUESTIONS, LONGEST_QUESTION = 20, 200
#: answers that a session stores by itself, and columns of webMUSHRA's tables
RESERVED = frozenset(
    "output_device attenuation_db headphone_check input session_test_id session_uuid trial_id rating_stimulus "
    "rating_score rating_time rating_comment choice_reference choice_non_reference choice_answer choice_time "
    "choice_comment stimuli stimuli_rating".split()
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Texts:
    """Texts of a study.

    Args:
        title: of the window and the report.
        consent, instructions: paragraphs shown before the training.
        questions: topic -> question.
        scales: topic -> names of its steps, best first; topics without steps are missing.
        questionnaire: name of an answer -> question, asked once a session.
    """

    title: str
    consent: str
    instructions: str
    questions: Mapping[str, str]
    scales: Mapping[str, tuple[str, ...]]
    questionnaire: Mapping[str, str]


def default_texts(method: str, title: str) -> Texts:
    """English texts of a method."""
    topics = _TOPICS.get(method, ("voice", "other"))
    return Texts(
        title,
        CONSENT,
        f"{_INSTRUCTIONS[method]}\n\n{_COMMON}",
        {topic: _QUESTIONS[topic] for topic in topics},
        {topic: _SCALES[topic] for topic in topics if topic in _SCALES},
        _QUESTIONNAIRE,
    )


def own_texts(
    texts: Texts, consent: Path | None = None, instructions: Path | None = None, questionnaire: Path | None = None
) -> Texts:
    """The texts with a researcher's own in place of the usual ones.

    Args:
        texts: the usual ones.
        consent, instructions: text files in UTF-8, shown line by line.
        questionnaire: a text file with a line ``name: question`` for each question.

    Raises:
        UserError: a file cannot be read, is empty or too long, or a line of the questionnaire is none.
    """
    return replace(
        texts,
        consent=texts.consent if consent is None else _text("--consent", consent),
        instructions=texts.instructions if instructions is None else _text("--instructions", instructions),
        questionnaire=texts.questionnaire if questionnaire is None else questions_of(questionnaire),
    )


def questions_of(path: Path) -> dict[str, str]:
    """Name of an answer -> question, from a text file with a line ``name: question`` for each.

    Empty lines, and lines that begin with ``#``, are left out.

    Raises:
        UserError: the file cannot be read, a line has no name or no question, or there are too many.
    """
    found: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in _text("--questionnaire", path).splitlines())):
        name, _, question = (part.strip() for part in line.partition(":"))
        if line.startswith("#"):
            continue
        if not question or not _NAME.fullmatch(name) or len(question) > LONGEST_QUESTION:
            raise UserError(
                f'{path} has the line {shown(line)}: write "name: question", the name of small letters, digits and _, '
                f"the question of at most {LONGEST_QUESTION} characters"
            )
        if name in found or name in RESERVED:
            why = "is there twice" if name in found else "is a column of the results already"
            raise UserError(f"{path}: the name {shown(name)} {why}, choose another")
        found[name] = question
    if not 1 <= len(found) <= MOST_QUESTIONS:
        raise UserError(f"{path} has {len(found)} questions: give 1 to {MOST_QUESTIONS}")
    return found


def _text(option: str, path: Path) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            content = file.read(LONGEST + 1).strip()
    except OSError as error:
        raise UserError(f"cannot read {option} {path} ({error.strerror}): check the path") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{option} {path} is no text in UTF-8 ({error.reason}): save it as plain text") from error
    if not content or len(content) > LONGEST:
        raise UserError(
            f"{option} {path} has {'no text' if not content else 'too much text'}: give 1 to {LONGEST} characters"
        )
    return content


def texts_of(data: Mapping[str, Any]) -> Texts:
    """The texts that were stored as JSON.

    Raises:
        UserError: a text is missing, has another type or is too long.
    """
    try:
        texts = Texts(
            str(data["title"]),
            str(data["consent"]),
            str(data["instructions"]),
            {str(key): str(value) for key, value in data["questions"].items()},
            {str(key): tuple(str(step) for step in steps) for key, steps in data["scales"].items()},
            {str(key): str(value) for key, value in data["questionnaire"].items()},
        )
    except MALFORMED as error:
        raise UserError(f"the texts of the study are incomplete ({shown(error)}): get the study again") from error
    if any(len(text) > LONGEST for text in (texts.title, texts.consent, texts.instructions)):
        raise UserError(f"a text of the study is longer than {LONGEST} characters: shorten it")
    return texts
