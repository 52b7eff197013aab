"""Ten thousand damaged and hostile files are read or refused in a sentence; and the campaign notices what is not."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sepprune.errors import UserError
from tests.fuzz import campaign
from tests.fuzz.campaign import Outcome, _in_a_process, keep
from tests.fuzz.mutate import mutated
from tests.fuzz.readers import Reader

ROOT = Path(__file__).resolve().parents[2]


def test_ten_thousand_files_give_no_traceback_no_crash_no_hang_and_no_gigabyte() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.fuzz"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def one_reader(folder: Path, read: Callable[[bytes], object], kept: Path | None = None) -> Outcome:
    """The outcome of 50 files with a reader that takes their content."""
    file = folder / "file"
    reader = Reader("toy", "bytes", file, (bytes(range(100)),), lambda: read(file.read_bytes()))
    return _in_a_process(reader, 50, 0, kept or folder)


def test_a_reader_that_reads_and_refuses_has_no_failures(tmp_path: Path) -> None:
    def read(content: bytes) -> None:
        if content != bytes(range(100)):
            raise UserError("the file is damaged: copy it again")

    outcome = one_reader(tmp_path, read)
    assert (outcome.cases, outcome.failures) == (51, []) and outcome.refused > 30


@pytest.mark.parametrize(
    ("fail", "problem"),
    [
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "ends the process"),
        (lambda: max(itertools.count()), "takes more than"),
        (lambda: (_ for _ in ()).throw(UserError("line 1\nline 2")), "no sentence"),
        (lambda: bytearray(1_100_000_000), "memory grew"),
    ],
    ids=["exception", "crash", "hang", "two lines", "memory"],
)
def test_everything_else_is_a_failure_with_its_case(
    tmp_path: Path, fail: Callable[[], object], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if problem == "takes more than":
        monkeypatch.setattr(campaign, "LONGEST_S", 0.2)

    def read(content: bytes) -> None:
        if content[50:60] != bytes(range(50, 60)) and len(content) > 120:
            list(fail()) if problem == "no sentence" else fail()

    outcome = one_reader(tmp_path, read)
    assert outcome.failures and all(problem in text for _, text in outcome.failures)
    assert outcome.cases == 51


def test_a_kept_content_is_tried_first(tmp_path: Path) -> None:
    reader = Reader("toy", "bytes", tmp_path / "file", (b"x",), lambda: None)
    keep(reader, b"hostile", tmp_path / "kept")

    def read(content: bytes) -> None:
        assert content != b"hostile", "found"

    [failure] = one_reader(tmp_path, read, tmp_path / "kept").failures
    assert failure[0].startswith("toy-") and "found" in failure[1]


@pytest.mark.parametrize("kind", ["json", "lines", "text", "zip", "bytes"])
def test_the_same_seed_gives_the_same_variants(kind: str) -> None:
    first, second = (
        [mutated(b'{"a": [1, 2, {"b": "c"}]}\n', kind, random.Random(number)) for number in range(50)] for _ in "ab"
    )
    assert first == second and len(set(first)) > 25
