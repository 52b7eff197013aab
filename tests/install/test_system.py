"""System packages are found, and installed only when the user agrees."""

from __future__ import annotations

import _ctypes
import io
import os
import shutil
import sys
from pathlib import Path

import pytest

from install import system
from install.common import Stop


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


def test_a_library_is_missing_when_it_does_not_load() -> None:
    assert system.loads(_ctypes.__file__)
    assert not system.loads("libno-such-library.so.0")


def test_a_missing_library_is_named_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(system, "loads", lambda library: library != "libxcb-cursor.so.0")
    assert "libxcb-cursor0" in system.missing_packages(window=True, sound_server=False)


def test_a_headless_session_needs_nothing_of_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(system, "loads", lambda library: False)
    assert system.missing_packages(window=False, sound_server=False) == ["libportaudio2"]


def test_without_root_the_exact_command_is_shown(program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("apt-get", "exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Stop, match="sudo apt-get install libportaudio2 libegl1"):
        system.install_missing(["libportaudio2", "libegl1"], agreed=True)


def test_root_who_has_agreed_gets_the_packages_installed(
    program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program("apt-get", f'echo "$@" >> {tmp_path}/calls')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    system.install_missing(["libportaudio2"], agreed=True)
    update, install = (tmp_path / "calls").read_text().splitlines()
    assert update.startswith("update") and install.startswith("install") and install.endswith(" libportaudio2")
    assert "Installing system packages: libportaudio2" in capsys.readouterr().out


class Terminal(io.StringIO):
    """Standard input of a terminal, with typed text."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("typed", ["y\n", "YES\n"])
def test_root_is_asked_at_a_terminal(
    program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    program("apt-get", f'echo "$@" >> {tmp_path}/calls')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    system.install_missing(["libportaudio2"], agreed=False)
    assert "missing: libportaudio2. Install them?" in capsys.readouterr().out
    assert len((tmp_path / "calls").read_text().splitlines()) == 2


@pytest.mark.parametrize("stdin", [Terminal("n\n"), Terminal("\n"), Terminal(""), io.StringIO("y\n"), None])
def test_nothing_is_installed_without_a_yes_at_a_terminal(
    program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO | None
) -> None:
    program("apt-get", f'echo "$@" >> {tmp_path}/calls')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(Stop, match="apt-get install libportaudio2\n.* --yes"):
        system.install_missing(["libportaudio2"], agreed=False)
    assert not (tmp_path / "calls").exists()


def test_an_installation_that_fails_shows_its_last_lines(program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("apt-get", "echo 'E: no space left'; exit 100")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Stop, match="libportaudio2:\n.*no space left"):
        system.install_missing(["libportaudio2"], agreed=True)


def test_other_systems_get_their_own_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/dnf" if name == "dnf" else None)
    with pytest.raises(Stop, match="libportaudio2.*\n.*sudo dnf install portaudio"):
        system.install_missing(["libportaudio2"], agreed=True)
