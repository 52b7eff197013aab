"""Runs the tests in two processes at once: most of a test is one thread, or waits for sound."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

#: what the first process runs, in the folder of tests; the second one runs everything else
FIRST = ("app", "audio", "study", "training", "test_*.py")


def commands_of_halves(root: Path, python: Path) -> list[list[str]]:
    """The two commands; together they run every test once.

    Args:
        root: of the repository.
        python: interpreter with pytest.
    """
    found = [str(path) for pattern in FIRST for path in sorted((root / "tests").glob(pattern))]
    pytest = [str(python), "-m", "pytest"]
    return [[*pytest, *found], [*pytest, str(root / "tests"), *(f"--ignore={path}" for path in found)]]


def run_in_halves(root: Path, python: Path, environment: Mapping[str, str]) -> int:
    """Run all tests; what the second half prints is shown once both have ended.

    Returns:
        the exit status of the half that fails, 0 where none does.
    """
    first, second = commands_of_halves(root, python)
    with tempfile.TemporaryFile() as printed:
        other = subprocess.Popen(second, cwd=root, env=dict(environment), stdout=printed, stderr=subprocess.STDOUT)
        try:
            status = subprocess.call(first, cwd=root, env=dict(environment))
            other_status = other.wait()
        finally:
            other.kill()
        printed.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(printed.read())
        sys.stdout.flush()
    return status or other_status
