"""Running ``sepprune-live`` as a program, on a machine with neither display nor sound card."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def environment(variables: dict[str, str]) -> dict[str, str]:
    """The variables of this process without those of display and sound server, and others."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "PULSE_SERVER")
    return {key: value for key, value in os.environ.items() if key not in hidden} | variables
