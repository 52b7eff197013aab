"""From the main window to the pages."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import QProcess, Qt
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog

from app.ui.study.choice import LevelsDialog
from app.ui.study.entry import start_live, start_study
from app.ui.study.main import check_results
from sepprune.errors import UserError
from sepprune.study.design import ABX
from tests.app.ui.engine_double import LADDER, SETTINGS
from tests.study.studies import small_study


def test_the_key_opens_the_chosen_study_on_the_same_output_and_closes_the_window(qtbot, window, tmp_path, monkeypatch):
    study, started = small_study(tmp_path, ABX), []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(study.path), ""))
    monkeypatch.setattr(QProcess, "startDetached", lambda *command: (started.append(command) or True, 1))
    qtbot.keyClick(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    output = window.link.settings.output
    assert [arguments[:4] for _, arguments in started] == [["-m", "app", "--study", str(study.path)]]
    assert output == "none" or started[0][1][4:] == ["--output", output]
    assert not window.isVisible()


def test_a_file_that_is_no_study_leaves_the_window_open_and_says_so(qtbot, window, tmp_path, monkeypatch):
    path = tmp_path / "picture.zip"
    path.write_bytes(b"no zip")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    window.tests.open_study()
    assert window.isVisible()
    assert "is no study" in window.status.message.text()


def test_a_cancelled_dialog_changes_nothing(window, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    window.tests.open_study()
    assert window.isVisible()


def test_the_command_that_the_window_starts_is_one_that_the_program_knows(tmp_path):
    study, started = small_study(tmp_path, ABX), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QProcess, "startDetached", lambda *command: (started.append(command) or True, 1))
        start_study(study.path, "no such device")
    [(program, arguments)] = started
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run([program, *arguments], cwd=root, capture_output=True, text=True, timeout=60)
    assert (program, done.returncode) == (sys.executable, 2)
    assert "no such device" in done.stderr or "PortAudio" in done.stderr


def test_results_that_cannot_be_written_are_refused_before_the_first_page(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--results"):
        check_results(tmp_path / "file")


@pytest.fixture
def started(monkeypatch) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(QProcess, "startDetached", lambda *command: (found.append(command) or True, 1))
    return found


def test_the_key_compares_two_levels_on_the_sound_of_the_window_and_closes_it(qtbot, window, monkeypatch, started):
    def choose(dialog: LevelsDialog) -> int:
        dialog.first.setCurrentIndex(2)
        dialog.second.setCurrentIndex(dialog.second.count() - 1)
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(LevelsDialog, "exec", choose)
    qtbot.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    [(_, arguments)] = started
    assert arguments[:6] == ["-m", "app", "--blind", "2,bypass", "--input", "demo"]
    assert not window.isVisible()


def test_the_same_level_twice_cannot_be_compared(window):
    dialog = LevelsDialog(window, LADDER, 3)
    assert dialog.chosen == (0, 3)
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    dialog.first.setCurrentIndex(3)
    assert not ok.isEnabled()
    dialog.first.setCurrentIndex(4)
    assert ok.isEnabled()


def test_the_comparison_that_the_window_starts_is_one_that_the_program_knows(started):
    start_live((0, 4), replace(SETTINGS, output="no such device", ladder="no such folder"))
    [(program, arguments)] = started
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run([program, *arguments], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "no such folder" in done.stderr
