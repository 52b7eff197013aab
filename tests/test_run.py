"""``run.py`` prepares a fresh machine, or says what the user has to do."""

from __future__ import annotations

import _ctypes
import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import run

SOURCE = Path(run.__file__)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What a prepared machine would become: commands are noted, not started."""
    noted: list[list[str]] = []
    monkeypatch.setattr(run, "install_missing", lambda packages: None)
    monkeypatch.setattr(run, "prepare_environment", lambda: Path("python"))
    monkeypatch.setattr(run, "hand_over", lambda command, environment: noted.append([*map(str, command)]) or 0)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.chdir(Path.cwd())
    return noted


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a small shell script before all other programs."""

    def write(name: str, body: str) -> Path:
        path = tmp_path / "programs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}{os.pathsep}{os.environ['PATH']}")
    return write


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with nothing but what names its dependencies."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(SOURCE.parent / name, folder)
    monkeypatch.setattr(run, "ROOT", folder)
    return folder


def interpreter(checkout: Path, body: str) -> Path:
    """A stand-in for .venv's Python."""
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)
    return python


def test_it_needs_only_the_standard_library() -> None:
    nodes = list(ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))))
    imported = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    imported += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_an_old_interpreter_can_read_it() -> None:
    ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 7))


def test_help_names_the_three_commands() -> None:
    command = [sys.executable, "-I", "-S", str(SOURCE), "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert all(f"run.py {command}" in shown.stdout for command in ("live", "test", "setup"))


@pytest.mark.parametrize("version", [(3, 10), (3, 15), (4, 0)])
def test_a_python_that_will_not_do_is_named(version: tuple[int, int]) -> None:
    with pytest.raises(run.Stop, match=rf"Python {version[0]}\.{version[1]}, .* 3\.11 to 3\.14"):
        run.check_version(version)


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_supported_pythons_pass(minor: int) -> None:
    run.check_version((3, minor))


def test_an_unknown_command_is_named_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["fly"]) == 2
    assert capsys.readouterr().err.startswith("run.py: there is no command 'fly'")


def test_live_opens_the_window_where_there_is_a_display(commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    run.main(["live", "--level", "2"])
    assert commands == [["python", "-m", "app", "--level", "2"]]


def test_live_runs_headless_where_there_is_no_display(commands) -> None:
    run.main(["live", "--seconds", "3"])
    assert commands == [["python", "-m", "app", "--headless", "--seconds", "10", "--seconds", "3"]]


def test_headless_that_was_asked_for_is_left_as_it_is(commands) -> None:
    run.main(["live", "--headless"])
    assert commands == [["python", "-m", "app", "--headless"]]


def test_options_of_pytest_are_passed_on(commands) -> None:
    run.main(["test", "-k", "run or project"])
    assert commands == [["python", "-m", "pytest", "-k", "run or project"]]


def test_the_exit_status_is_the_commands_own() -> None:
    script = "import os, run, sys; run.hand_over([sys.executable, '-c', 'raise SystemExit(7)'], os.environ)"
    assert subprocess.run([sys.executable, "-c", script], cwd=SOURCE.parent).returncode == 7


def test_a_library_is_missing_when_it_does_not_load() -> None:
    assert run.loads(_ctypes.__file__)
    assert not run.loads("libno-such-library.so.0")


def test_a_missing_library_is_named_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(run, "loads", lambda library: library != "libxcb-cursor.so.0")
    assert "libxcb-cursor0" in run.missing_packages(window=True, sound_server=False)


def test_a_headless_session_needs_nothing_of_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(run, "loads", lambda library: False)
    assert run.missing_packages(window=False, sound_server=False) == ["libportaudio2"]


def test_without_root_the_exact_command_is_shown(program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("apt-get", "exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(run.Stop, match="sudo apt-get install libportaudio2 libegl1"):
        run.install_missing(["libportaudio2", "libegl1"])


def test_root_gets_the_packages_installed(program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program("apt-get", f'echo "$@" >> {tmp_path}/calls')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    run.install_missing(["libportaudio2"])
    update, install = (tmp_path / "calls").read_text().splitlines()
    assert update.startswith("update") and install.startswith("install") and install.endswith(" libportaudio2")


def test_an_installation_that_fails_shows_its_last_words(program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("apt-get", "echo 'E: no space left'; exit 100")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(run.Stop, match="libportaudio2:\n.*no space left"):
        run.install_missing(["libportaudio2"])


def test_other_systems_get_their_own_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/dnf" if name == "dnf" else None)
    with pytest.raises(run.Stop, match="libportaudio2.*\n.*sudo dnf install portaudio"):
        run.install_missing(["libportaudio2"])


def test_dependencies_are_installed_once(checkout: Path, tmp_path: Path) -> None:
    interpreter(checkout, f'echo "$@" >> {tmp_path}/calls')
    run.prepare_environment()
    first = (tmp_path / "calls").read_text()
    run.prepare_environment()
    assert (tmp_path / "calls").read_text() == first


def test_dependencies_are_installed_as_locked(checkout: Path, tmp_path: Path) -> None:
    interpreter(checkout, f'echo "$@" >> {tmp_path}/calls')
    run.prepare_environment()
    wanted = f"--constraint {checkout / 'constraints.txt'} --editable {checkout}[test]"
    assert wanted in (tmp_path / "calls").read_text()


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_dependencies_are_installed_again(checkout: Path, name: str) -> None:
    before = run.fingerprint()
    with open(checkout / name, "a") as file:
        file.write("# changed\n")
    assert run.fingerprint() != before


def test_an_installation_that_failed_is_tried_again(checkout: Path) -> None:
    interpreter(checkout, 'case "$*" in *install*) echo "ERROR: no such version"; exit 1;; esac')
    for _attempt in range(2):
        with pytest.raises(run.Stop, match="no such version"):
            run.prepare_environment()
