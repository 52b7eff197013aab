from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sepprune.streaming import Ladder


def test_a_ladder_named_by_a_relative_path_is_converted(tcn_ladder: Ladder, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom sepprune.streaming import Ladder, StreamingSeparator\n"
        "StreamingSeparator(Ladder.load(sys.argv[1]), 0, 8, 'onnxruntime').close()\n"
        "assert 'torch' not in sys.modules  # so a child process converted it\n"
    )
    environment = os.environ | {"SEPPRUNE_CACHE": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(
        [sys.executable, "-c", program, tcn_ladder.folder.name],
        cwd=tcn_ladder.folder.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


ENDING = """
import sys, threading
from sepprune.streaming import Ladder, StreamingSeparator
from sepprune.streaming.beside import start_beside
stream = StreamingSeparator(Ladder.load(sys.argv[1]), 0, 8, "onnxruntime")
start_beside(stream.prepare, "preparation")
"""


def test_a_program_that_ends_does_not_wait_for_a_conversion(tcn_ladder: Ladder, tmp_path: Path) -> None:
    environment = os.environ | {"SEPPRUNE_CACHE": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(
        [sys.executable, "-c", ENDING, str(tcn_ladder.folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(list(tmp_path.iterdir())) == 1  # the level that it started with
