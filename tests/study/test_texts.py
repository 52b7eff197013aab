"""A researcher's own texts in a study."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepprune.errors import UserError
from sepprune.study.design import ABX
from sepprune.study.texts import default_texts, own_texts, questions_of

USUAL = default_texts(ABX, "A study")


def file(folder: Path, content: str | bytes, name: str = "text.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_only_the_texts_that_are_given_are_replaced(tmp_path: Path) -> None:
    own = own_texts(USUAL, consent=file(tmp_path, "\ufeffIch stimme zu.\n\nJa.\n"))
    assert own.consent == "Ich stimme zu.\n\nJa."
    assert (own.instructions, own.questionnaire) == (USUAL.instructions, USUAL.questionnaire)


def test_a_questionnaire_has_a_question_on_each_line(tmp_path: Path) -> None:
    text = "# about the listener\nage: Your age\n\nhearing:  Any trouble with hearing: yes or no?\n"
    own = own_texts(USUAL, questionnaire=file(tmp_path, text))
    assert dict(own.questionnaire) == {"age": "Your age", "hearing": "Any trouble with hearing: yes or no?"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Your age", "name: question"),
        ("age:", "name: question"),
        ("Your age: years", "name: question"),
        ("age: a\nage: b", "there twice"),
        ("trial_id: number", "a column of the results already"),
        ("# nothing", "0 questions"),
        ("", "no text"),
        (b"\xff\xfe\xff", "no text in UTF-8"),
        ("a" * 20_001, "too much text"),
        ("\n".join(f"q{number}: why?" for number in range(21)), "21 questions"),
    ],
)
def test_what_is_no_questionnaire_is_refused_in_words(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(UserError, match=words):
        own_texts(USUAL, questionnaire=file(tmp_path, text))


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read --consent"):
        own_texts(USUAL, consent=tmp_path / "missing.txt")


def test_a_long_line_of_a_questionnaire_is_shown_in_short(tmp_path: Path) -> None:
    (tmp_path / "questions.txt").write_text("age: " + "a" * 5000)
    with pytest.raises(UserError, match="questions.txt has the line 'age: a") as raised:
        questions_of(tmp_path / "questions.txt")
    assert len(str(raised.value)) < 400
