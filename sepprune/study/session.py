"""One listener's run through a study: what pages show, and answers that are on the disk before the next question."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ..errors import UserError
from .archive import Study
from .design import ABX, MUSHRA, THRESHOLD
from .methods import TRAINING, Answer, Asked, Method, Question, method_named
from .methods.mushra import OPEN_REFERENCE
from .results import Result, answer_line, append, header, read_result, write_new
from .sound import Signal


@dataclass(frozen=True)
class Trial:
    """What a page shows of the open question. It holds nothing about conditions, not even names of files.

    Args:
        number, total: place among the trials that count, from 1; in training, place in the training. Open-ended
            sessions have no total.
        training: whether the answer is discarded and the page may tell the right one.
        topic: key of the question in the study's texts.
        labels: of the stimuli to be played, in the order of the buttons; :meth:`Session.samples` gives their sound.
        choices: allowed answers; empty where scores are asked for.
        scored: labels that need a score.
    """

    number: int
    total: int | None
    training: bool
    topic: str
    labels: tuple[str, ...]
    choices: tuple[str, ...]
    scored: tuple[str, ...]


@dataclass(frozen=True)
class Script:
    """A session's questions, as a pure function of its answers."""

    study: Study
    order: tuple[Question, ...]
    method: Method

    def asked(self, answers: Sequence[Answer]) -> Asked | None:
        """The open question, ``None`` where the session is complete."""
        return self.method.following(self.study.design, self.order, answers)

    def trial(self, answers: Sequence[Answer]) -> Trial | None:
        """What a page shows of the open question."""
        asked, design = self.asked(answers), self.study.design
        if asked is None:
            return None
        training = asked.question.phase == TRAINING
        phase = [(question.phase == TRAINING) == training for question in self.order]
        counted = [one for one in answers if one.void is None]
        number = 1 + sum(phase[one.position] for one in counted)
        labels = tuple(label for label, _ in self.method.labels(asked.question))
        scored = tuple(label for label in labels if label != OPEN_REFERENCE) if design.method == MUSHRA else ()
        total = None if design.open_ended and not training else sum(phase)
        return Trial(number, total, training, asked.question.topic, labels, self.method.choices, scored)

    def place(self, answers: Sequence[Answer], label: str) -> tuple[str, str]:
        """Item and condition behind a label of the open question."""
        asked = self.asked(answers)
        names = {} if asked is None else dict(self.method.labels(asked.question))
        if asked is None or label not in names:
            raise UserError(f"the open question has no sample {label!r}: choose from {', '.join(names) or 'none'}")
        return asked.question.item, names[label]


class Session:
    """A session that is under way. Not safe to use from several threads.

    Args:
        script: the questions.
        result: what is on the disk.
    """

    def __init__(self, script: Script, result: Result) -> None:
        self._script, self._result = script, result

    @property
    def path(self) -> Path:
        """The result file."""
        return self._result.path

    @property
    def listener(self) -> str:
        """What the listener is called."""
        return self._result.listener

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Every attempt so far."""
        return self._result.answers

    @property
    def complete(self) -> bool:
        """Whether all questions are answered."""
        return self._script.asked(self._result.answers) is None

    def trial(self) -> Trial | None:
        """What to show now; ``None`` after the last question."""
        return self._script.trial(self._result.answers)

    def samples(self, label: str) -> Signal:
        """Sound of a stimulus of the open question, ``(samples,)`` at the study's sample rate.

        Raises:
            UserError: the open question has no such stimulus, or its file is damaged.
        """
        study = self._script.study
        return study.samples(study.files[self._script.place(self._result.answers, label)])

    def condition(self, label: str) -> str:
        """Name of the condition behind a label of the open question, for a program that makes its sound itself.

        It must not reach the page.

        Raises:
            UserError: the open question has no such stimulus.
        """
        return self._script.place(self._result.answers, label)[1]

    def answer(
        self,
        choice: str | None = None,
        scores: Mapping[str, int] | None = None,
        seconds: float = 0.0,
        plays: Mapping[str, int] | None = None,
    ) -> str | None:
        """Store the answer to the open question; returns when it is on the disk.

        Returns:
            In the training of ABX and threshold: the label that was right. Otherwise ``None``.

        Raises:
            UserError: the answer is not allowed, a stimulus was not played, or the disk is full. The question stays
                open and nothing was stored.
        """
        trial, asked = self.trial(), self._script.asked(self._result.answers)
        if trial is None or asked is None:
            raise UserError("the session is complete: start another session to answer again")
        _check(trial, choice, scores or {}, plays or {})
        self._store(Answer(asked.position, choice, dict(scores or {}), seconds, dict(plays or {})))
        target = asked.question.target
        if trial.training and target is not None and self._script.study.design.method in (ABX, THRESHOLD):
            return trial.choices[target]
        return None

    def void(self, reason: str, late: int = 0, seconds: float = 0.0) -> None:
        """Store that this attempt does not count; the question is asked again with sides drawn anew.

        Args:
            reason: one sentence, such as ``2 underruns of the output``.
            late: underruns and deadline misses.
            seconds: that the question was open.
        """
        asked = self._script.asked(self._result.answers)
        if asked is not None:
            self._store(Answer(asked.position, seconds=seconds, void=reason, late=late))

    def _store(self, answer: Answer) -> None:
        size = append(self.path, self._result.size, answer_line(answer))
        self._result = replace(self._result, answers=(*self._result.answers, answer), size=size)


def draw_order(study: Study, seed: int) -> tuple[Question, ...]:
    """The questions of a session; equal seeds give equal orders."""
    return method_named(study.design.method).draw(study.design, np.random.default_rng([seed, 1]))


def start_session(
    study: Study, folder: Path, listener: str, about: Mapping[str, str] | None = None, seed: int | None = None
) -> Session:
    """Begin a session: its seed and order are on the disk before the first question.

    Args:
        study: the study.
        folder: for the result file.
        listener: a name or number without spaces, unique among the listeners.
        about: answers to the questionnaire.
        seed: of the order; drawn where it is not given.

    Raises:
        UserError: the listener's name is not usable or the file cannot be written.
    """
    check_listener(listener)
    drawn = secrets.randbits(48) if seed is None else seed
    order, session = draw_order(study, drawn), uuid.uuid4().hex
    path = folder / f"session-{session}.jsonl"
    write_new(path, [header(study, session, listener, _now(), order, drawn, about or {})])
    return resume_session(study, path)


def check_listener(name: str) -> None:
    """Whether a listener can be called so.

    Raises:
        UserError: the name is empty, too long, or has other signs than letters, digits, ``-``, ``_`` and ``.``.
    """
    if not name or len(name) > 64 or not all(sign.isalnum() or sign in "-_." for sign in name):
        raise UserError(f"a listener cannot be called {name!r}: use 1 to 64 letters, digits, - and _")


def resume_session(study: Study, path: Path) -> Session:
    """Continue the session of a result file: same order, after the last answer that is on the disk.

    Raises:
        UserError: the file is damaged or belongs to another study.
    """
    result = read_result(path)
    if result.study != study.digest:
        raise UserError(f"{path} belongs to another study than {study.path}: open the study that it was made with")
    return Session(Script(study, result.order, method_named(study.design.method)), result)


def unfinished(study: Study, folder: Path) -> list[Session]:
    """Sessions of this study in a folder that can be continued, the latest first. Other files are ignored."""
    found = []
    for path in folder.glob("session-*.jsonl"):
        try:
            result = read_result(path)
        except UserError:
            continue
        if result.study == study.digest and not result.complete:
            found.append((result.started, path))
    return [resume_session(study, path) for _, path in sorted(found, reverse=True)]


def _check(trial: Trial, choice: str | None, scores: Mapping[str, int], plays: Mapping[str, int]) -> None:
    if missing := [label for label in trial.labels if plays.get(label, 0) < 1]:
        raise UserError(f"{', '.join(missing)} was not played yet: listen to every sample before you answer")
    if trial.choices and choice not in trial.choices:
        raise UserError(f"{choice!r} is no answer to this question: choose from {', '.join(trial.choices)}")
    if set(scores) != set(trial.scored):
        raise UserError(f"scores are needed for {', '.join(trial.scored) or 'no sample'}: score every sample")
    if not all(0 <= score <= 100 for score in scores.values()):
        raise UserError("scores are between 0 and 100: move the sliders within their range")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
