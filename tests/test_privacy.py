"""Nothing leaves the machine, and nothing is written to the home folder except what the documentation names."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import torch
from safetensors.torch import save_file

from sepprune.cli import COMMANDS
from sepprune.commands.train import ALLOCATOR
from sepprune.separators import build_separator
from tests.comparison.test_comparison import CONFIG as COMPARISON
from tests.comparison.test_comparison import MODEL as COMPARED
from tests.importing.checkpoints import espnet
from tests.ladders.conftest import ladder_config
from tests.streaming.ladders import babble, small_ladder
from tests.training.conftest import data_folder
from tests.training.test_trainer import config
from tests.watch import watched, written

__all__ = ["config", "data_folder", "ladder_config"]

CACHE, SETTINGS = ".cache/sepprune", ".config/sepprune"

#: runs every command after the other in one process; each argument is a command line
_RUN = f"""
import os, sys
os.environ.update({ALLOCATOR})  # train does not restart the process
from sepprune.cli import main
for line in sys.argv[1:]:
    assert main([*line.split(), "--json", "../out/report.json"]) == 0, line
"""

#: files and folders are beside the working folder
SEPARATORS = (
    "analyze skim:hidden=16,features=16",
    "prune skim:hidden=16,features=16 --method l1 --macs 0.5 --out ../out/pruned",
    "import espnet ../checkpoint --out ../out/imported",
    "separate ../talk.wav ../ladder --levels all --out ../out/voices",
    "evaluate ../ladder --data ../mixtures --levels 0",
    "export ../ladder --format openvino --out ../out/level.xml",
    "export ../ladder --format onnx --out ../out/level.onnx",
    "bench ../ladder --seconds 0.05 --chunk-ms 8",
    "bench ../ladder --report ../out/latency --chunk-ms 8 --quick --seconds 0.2 --levels 0",
    "bench --compare ../out/latency/report.json ../out/latency/report.json",
)
LEARNING = (
    "pack ../data --megabytes 1 --out ../out/a.pack",
    "train ../run.toml --minutes 0.02",
    "ladder ../ladder.toml --minutes 0.01",
    "compare ../compare.toml",
)
STUDIES = (
    "study create --audio ../talk.wav --ladder ../ladder --backend torch --chunk-ms 500 --seconds 1 --method abx "
    "--levels 0,2 --out ../out/study.zip",
    "study simulate ../out/study.zip --listener perfect --sessions 6 --results ../out/results",
    "study merge ../out/results --out ../out/merged",
)

#: opens the window, records a second of sound, and closes the window as a user does
_WINDOW = """
import sys
from PyQt6.QtCore import QTimer
from app.engine.commands import StartRecording
from app.ui.main import prepared_application
from app.ui.settings import Preferences, recordings_folder
application = prepared_application()
def press():
    from app.ui.window import MainWindow
    for window in application.topLevelWidgets():
        if isinstance(window, MainWindow) and window.link.state == "running":
            timer.stop()
            window.recordings.start(StartRecording(recordings_folder(Preferences())))
            QTimer.singleShot(1500, window.close)
timer = QTimer()
timer.timeout.connect(press)
timer.start(50)
from app.cli import main
sys.exit(main(sys.argv[1:]))
"""


#: listening tests on the real pages, used by keyboard: a study, and a blind comparison of running sound
SESSIONS = (
    "test_sessions.py::test_an_abx_session_by_keyboard_stores_what_was_pressed",
    "test_live.py::test_a_session_by_keyboard_alone_ends_with_its_result_in_words",
)


def prepared(folder: Path) -> Path:
    """A ladder, three seconds of sound, and a folder for results."""
    small_ladder(folder / "ladder", "conv-tasnet")
    soundfile.write(folder / "talk.wav", babble(3.0), 16_000)
    (folder / "out").mkdir()
    return folder


def test_every_command_is_watched() -> None:
    assert {line.split()[0] for line in (*SEPARATORS, *LEARNING, *STUDIES)} == set(COMMANDS)


def test_commands_on_separators_reach_no_network_and_write_only_their_target_and_the_cache(tmp_path: Path) -> None:
    prepared(tmp_path)
    for name in ("mix", "s1", "s2"):
        (tmp_path / "mixtures" / name).mkdir(parents=True)
        soundfile.write(tmp_path / "mixtures" / name / "a.wav", babble(1.0) * (1.0 + (name == "mix")), 16_000)
    (tmp_path / "checkpoint").mkdir()
    espnet(tmp_path / "checkpoint", "skim")
    assert watched(tmp_path, "-c", _RUN, *SEPARATORS) == []
    assert written(tmp_path) <= {CACHE}


def test_commands_that_learn_reach_no_network_and_write_only_their_target_and_the_cache(
    tmp_path: Path, config: Path, ladder_config: Path, data_folder: Path
) -> None:
    torch.manual_seed(0)
    save_file(build_separator("skim", **COMPARED).state_dict(), tmp_path / "compared.safetensors")
    paths = {"out": tmp_path / "compared", "data": data_folder, "weights": tmp_path / "compared.safetensors"}
    (tmp_path / "compare.toml").write_text(COMPARISON.format(**paths))
    (tmp_path / "data").symlink_to(data_folder)
    (tmp_path / "out").mkdir()
    assert watched(tmp_path, "-c", _RUN, *LEARNING) == []
    assert written(tmp_path) <= {CACHE}


def test_commands_of_studies_reach_no_network_and_write_only_their_target_and_the_cache(tmp_path: Path) -> None:
    prepared(tmp_path)
    assert watched(tmp_path, "-c", _RUN, *STUDIES) == []
    assert written(tmp_path) <= {CACHE}


def test_the_app_without_a_window_reaches_no_network_and_writes_only_its_target_and_the_cache(tmp_path: Path) -> None:
    prepared(tmp_path)
    command = ["-m", "app", "--headless", "--input", "../talk.wav", "--output", "none", "--ladder", "../ladder"]
    assert watched(tmp_path, *command, "--no-loop", "--record", "../out", "--report", "../out/report.json") == []
    assert written(tmp_path) <= {CACHE}


def test_the_window_reaches_no_network_and_writes_only_recordings_settings_and_the_cache(tmp_path: Path) -> None:
    prepared(tmp_path)
    command = ["-c", _WINDOW, "--input", "../talk.wav", "--output", "none", "--ladder", "../ladder"]
    assert watched(tmp_path, *command) == []
    assert written(tmp_path) - {CACHE} == {SETTINGS, "Music/SepPrune"}


@pytest.mark.parametrize("session", SESSIONS)
def test_listening_tests_reach_no_network_and_write_only_their_results(tmp_path: Path, session: str) -> None:
    pages = Path(__file__).parent / "app" / "ui" / "study" / session
    command = ["-m", "pytest", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "out"), str(pages)]
    assert watched(tmp_path, *command) == []
    assert written(tmp_path) <= {CACHE}


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError: pass",
        "import ctypes\nctypes.CDLL(None).socket(2, 1, 0)",  # as a library in C does
        "import os, subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import socket; socket.socket()'])",
        "open('../../elsewhere', 'a').close()",
    ],
)
def test_the_watch_sees_an_attempt_to_reach_the_network_or_to_write_elsewhere(tmp_path: Path, attempt: str) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    assert watched(folder, "-c", attempt)
