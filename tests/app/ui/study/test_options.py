"""``sepprune-live --study`` as a program: one sentence for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.test_cli import live


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--study", "missing.zip", "--headless"), "leave out --headless"),
        (("--study", "missing.zip", "--level", "3"), "leave out --level"),
        (("--study", "missing.zip", "--output", "none"), "must be heard"),
        (("--results", "answers"), "there is no study"),
        (("--study", "missing.zip"), "there is no display"),
        (("--blind", "0,4", "--output", "none"), "must be heard"),
        (("--blind", "0,4", "--routing", "mixture"), "same at every level"),
        (("--blind", "0,4", "--fallback"), "leave out --fallback"),
        (("--trials", "16"), "belongs to a blind comparison"),
        (("--blind", "0,4"), "there is no display"),
    ],
)
def test_options_that_do_not_fit_a_listening_test_are_refused_in_words(arguments: tuple[str, ...], words: str) -> None:
    done = live(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("compared", "words"),
    [("0", "no pair of levels"), ("0,x", "no pair of levels"), ("0,0", "two different levels"), ("0,99", "99")],
)
def test_what_cannot_be_compared_is_refused_in_words(tmp_path: Path, compared: str, words: str) -> None:
    done = live("--blind", compared, "--input", "demo", "--results", tmp_path, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize("content", [None, b"no zip"])
def test_a_file_that_is_no_study_is_refused_in_words(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "study.zip"
    if content is not None:
        path.write_bytes(content)
    done = live("--study", path, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 2
    assert "a file that `sepprune study create` wrote" in done.stderr
