"""What listeners read: instructions, questions and scales. A study carries its texts, so they can be translated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
