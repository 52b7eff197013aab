"""Running ``sepprune-live`` as a program, on a machine with neither display nor sound card."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def live(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, for two minutes at most."""
    return subprocess.run(
        [sys.executable, "-m", "app", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(variables),
    )


def started(*arguments: str | Path, program: Sequence[str] = ("-m", "app"), **options: Any) -> subprocess.Popen[str]:
    """Start the program, and let it run.

    Args:
        arguments: of the program.
        program: what Python runs.
        options: of ``subprocess.Popen``.
    """
    return subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment({}),
        **options,
    )


def wait_for_sound(process: subprocess.Popen[str], recordings: Path, size: int = 20_000) -> None:
    """Wait until the program has recorded some bytes of sound, or has ended."""
    while process.poll() is None and not any(path.stat().st_size > size for path in recordings.glob("*/mixture.wav")):
        time.sleep(0.05)


def environment(variables: dict[str, str]) -> dict[str, str]:
    """The variables of this process without those of display and sound server, and others."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "PULSE_SERVER")
    return {key: value for key, value in os.environ.items() if key not in hidden} | variables
