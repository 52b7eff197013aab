"""Methods of listening tests: which question follows, what it shows and what an answer says. Pure and replayable."""

from __future__ import annotations

from ..design import ABX, MUSHRA, PREFERENCE, RATING, THRESHOLD
from .abx import Abx
from .base import (
    CONTROL,
    NO_PREFERENCE,
    TEST,
    TRAINING,
    Answer,
    Asked,
    Method,
    Outcome,
    Question,
    question_of,
)
from .mushra import Mushra
from .preference import Preference
from .rating import Rating
from .threshold import Threshold

__all__ = [
    "CONTROL",
    "NO_PREFERENCE",
    "TEST",
    "TRAINING",
    "Answer",
    "Asked",
    "Method",
    "Outcome",
    "Question",
    "method_named",
    "question_of",
]


def method_named(name: str) -> Method:
    """The method of this name, one of :data:`sepprune.study.design.METHODS`."""
    methods: dict[str, Method] = {
        ABX: Abx(),
        PREFERENCE: Preference(),
        MUSHRA: Mushra(),
        RATING: Rating(),
        THRESHOLD: Threshold(),
    }
    return methods[name]
