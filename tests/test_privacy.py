"""Nothing leaves the machine, and nothing is written to the home folder except the documented cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

from tests.streaming.ladders import babble, small_ladder
from tests.training.conftest import data_folder
from tests.training.test_trainer import config

__all__ = ["config", "data_folder"]

ROOT = Path(__file__).resolve().parents[1]

#: Python runs this file at the start of every process, also of those that a command starts
_WATCH = """
import os, sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        if event.startswith("socket.get") or not isinstance(arguments[1], (str, bytes)):  # not a socket of the system
            with open(os.environ["WATCHED"], "a") as file:
                file.write(f"{event} {arguments[1:]} {sys.argv}\\n")
            raise OSError("the network is refused")
sys.addaudithook(refuse)
"""
_COMMANDS = """
import sys
from sepprune.cli import main
ladder, data, out = sys.argv[1:]
for arguments in (
    ["analyze", "skim:hidden=16,features=16"],
    ["prune", "skim:hidden=16,features=16", "--method", "l1", "--macs", "0.5", "--out", f"{out}/pruned"],
    ["separate", f"{data}/mix/a.wav", ladder, "--out", f"{out}/voices"],
    ["evaluate", ladder, "--data", data, "--levels", "0"],
    ["export", ladder, "--format", "openvino", "--out", f"{out}/level.xml"],
    ["export", ladder, "--format", "onnx", "--out", f"{out}/level.onnx"],
    ["bench", ladder, "--seconds", "0.05", "--chunk-ms", "8"],
):
    assert main([*arguments, "--json", f"{out}/report.json"]) == 0, arguments
"""

_MORE_COMMANDS = """
import os, sys
os.environ.update(MALLOC_MMAP_THRESHOLD_="1", MALLOC_TRIM_THRESHOLD_="1")  # train does not restart the process
from sepprune.cli import main
ladder, config, out = sys.argv[1:]
study, session = f"{out}/study.zip", ["--listener", "perfect", "--sessions", "6", "--results", f"{out}/results"]
stream, short = ["--backend", "torch", "--chunk-ms", "500"], ["--quick", "--seconds", "0.2", "--levels", "0"]
for arguments in (
    ["pack", f"{out}/data", "--megabytes", "1", "--out", f"{out}/a.pack"],
    ["train", config, "--minutes", "0.02"],
    ["separate", f"{out}/talk.wav", ladder, "--levels", "all", "--out", f"{out}/voices"],
    ["study", "create", "--audio", f"{out}/talk.wav", "--ladder", ladder, *stream, "--seconds", "1", "--method", "abx",
     "--levels", "0,2", "--out", study],
    ["study", "simulate", study, *session],
    ["study", "merge", f"{out}/results", "--out", f"{out}/merged"],
    ["bench", ladder, "--report", f"{out}/latency", "--chunk-ms", "8", *short],
    ["bench", "--compare", f"{out}/latency/report.json", f"{out}/latency/report.json"],
):
    assert main([*arguments, "--json", f"{out}/report.json"]) == 0, arguments
"""


def watched(folder: Path, *command: str) -> list[str]:
    """Run a program with the network refused; returns what it tried to reach."""
    (folder / "start").mkdir(exist_ok=True)
    (folder / "start" / "sitecustomize.py").write_text(_WATCH)
    (folder / "home").mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "SEPPRUNE_", "PULSE_"))}
    paths = os.pathsep.join([str(folder / "start"), str(ROOT)])
    places = {"HOME": str(folder / "home"), "PYTHONPATH": paths, "WATCHED": str(folder / "tried")}
    done = subprocess.run(
        [sys.executable, *command], env=kept | places, cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return (folder / "tried").read_text().splitlines() if (folder / "tried").exists() else []


def written(folder: Path) -> set[str]:
    """Folders of the home folder in which files are, without the list of fonts that matplotlib makes."""
    home = folder / "home"
    return {
        str(path.relative_to(home).parts[:2])
        for path in home.rglob("*")
        if path.is_file() and path.parent.name != "matplotlib"
    }


def test_no_command_reaches_the_network_or_writes_outside_its_cache(tmp_path: Path) -> None:
    ladder = small_ladder(tmp_path / "ladder", "conv-tasnet")
    for name in ("mix", "s1", "s2"):
        (tmp_path / "data" / name).mkdir(parents=True)
        soundfile.write(tmp_path / "data" / name / "a.wav", babble(1.0) * np.float32(1 + (name == "mix")), 16_000)
    (tmp_path / "out").mkdir()
    paths = str(ladder.folder), str(tmp_path / "data"), str(tmp_path / "out")
    assert watched(tmp_path, "-c", _COMMANDS, *paths) == []
    assert written(tmp_path) <= {str((".cache", "sepprune"))}


def test_training_studies_and_latency_reports_reach_no_network(tmp_path: Path, config: Path, data_folder: Path) -> None:
    ladder = small_ladder(tmp_path / "ladder", "conv-tasnet")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "data").symlink_to(data_folder)
    soundfile.write(tmp_path / "out" / "talk.wav", babble(3.0), 16_000)
    assert watched(tmp_path, "-c", _MORE_COMMANDS, str(ladder.folder), str(config), str(tmp_path / "out")) == []
    assert written(tmp_path) <= {str((".cache", "sepprune"))}


def test_the_app_without_a_window_reaches_no_network_and_writes_nothing_but_its_cache(tmp_path: Path) -> None:
    ladder = small_ladder(tmp_path / "ladder", "conv-tasnet")
    soundfile.write(tmp_path / "a.wav", babble(0.5), 16_000)
    command = ["-m", "app", "--headless", "--input", "a.wav", "--output", "none", "--no-loop"]
    assert watched(tmp_path, *command, "--ladder", str(ladder.folder)) == []
    assert written(tmp_path) <= {str((".cache", "sepprune"))}


def test_the_watch_sees_an_attempt_to_reach_the_network(tmp_path: Path) -> None:
    attempt = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError: pass"
    assert len(watched(tmp_path, "-c", attempt)) == 1
