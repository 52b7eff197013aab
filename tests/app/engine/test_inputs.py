"""Names of inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine.inputs import check_input, is_file
from sepprune.errors import UserError


@pytest.mark.parametrize(
    ("wanted", "expected"), [("demo", True), ("missing.WAV", True), ("USB microphone, ALSA", False), ("/", True)]
)
def test_files_are_told_from_devices_by_their_name(wanted: str, expected: bool) -> None:
    assert is_file(wanted) is expected


@pytest.mark.parametrize("name", ["missing.wav", "text.wav"])
def test_a_file_that_cannot_be_played_is_refused_before_the_engine_starts(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(UserError, match="sound file"):
        check_input(str(tmp_path / name))


def test_the_demo_needs_no_check() -> None:
    check_input("demo")
