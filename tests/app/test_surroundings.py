"""``sepprune-live`` where the display has ended, and with files whose names are not UTF-8."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import speech_like
from .test_cli import live


@pytest.fixture
def speech(sound: Callable[..., Path]) -> Path:
    return sound(speech_like(0.5))


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_with_a_display_that_does_not_answer_it_runs_headless_and_says_so(
    ladder: Path, speech: Path, name: str
) -> None:
    done = live("--input", speech, "--output", "none", "--ladder", ladder, "--no-loop", **{name: ":94"})
    assert done.returncode == 0 and f"{name}=:94 does not answer" in done.stderr
    assert all(line.startswith("sepprune-live: ") for line in done.stderr.splitlines())


def test_a_listening_test_on_a_display_that_does_not_answer_is_a_sentence(speech: Path) -> None:
    done = live("--study", speech, DISPLAY=":94")
    assert done.returncode == 2 and "DISPLAY=:94 does not answer" in done.stderr


def test_an_input_whose_name_is_not_utf8_is_played(ladder: Path, speech: Path) -> None:
    name = Path(os.fsdecode(os.fsencode(speech.parent) + b"/caf\xe9.wav"))
    name.write_bytes(speech.read_bytes())
    done = live("--headless", "--input", name, "--output", "none", "--no-loop", "--ladder", ladder, "--json", "-")
    assert done.returncode == 0 and json.loads(done.stdout)["levels"][0]["chunks"] > 50
