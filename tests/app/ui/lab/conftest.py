"""The window of an engine that is ready, with its latency lab open, and a folder of reports of the test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.ui.lab import lab as lab_module
from app.ui.lab.measurement import Measurement
from app.ui.window import MainWindow


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where reports are stored."""
    folder = tmp_path / "reports"
    folder.mkdir()
    monkeypatch.setattr(lab_module, "_folder", lambda: folder)
    return folder


@pytest.fixture
def lab(window: MainWindow, reports: Path) -> lab_module.Lab:
    window.lab.open()
    return window.lab


#: a program in the place of ``sepprune bench``: it tells progress, then writes a report, waits, or fails
PROGRAM = """
import json, pathlib, sys, time
arguments = sys.argv[1:]
folder = pathlib.Path(arguments[arguments.index("--report") + 1])
print(json.dumps({"share": 0.5, "seconds": 30.0, "of_seconds": 60.0}), file=sys.stderr, flush=True)
if WAIT:
    time.sleep(600)
if FAIL:
    sys.exit("sepprune: the disk is full")
folder.mkdir(parents=True)
(folder / "report.html").write_text("page")
(folder / "report.json").write_text(json.dumps({"verdict": "It runs.", "warnings": ["It was warm."], "got": arguments}))
"""


def measuring(lab: lab_module.Lab, wait: bool = False, fail: bool = False) -> None:
    """Let the lab run :data:`PROGRAM`."""
    program = PROGRAM.replace("WAIT", str(wait)).replace("FAIL", str(fail))
    lab.measurement._program = (sys.executable, "-c", program)


__all__ = ["Measurement", "lab", "measuring", "reports"]
