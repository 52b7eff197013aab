"""``run.py`` prepares a fresh machine and starts a command, or says what the user has to do."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import run
from install import environment, system

SOURCE = Path(run.__file__)
MODULES = [SOURCE, *sorted((SOURCE.parent / "install").glob("*.py"))]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What a prepared machine would become: commands are noted, not started."""
    noted: list[list[str]] = []
    monkeypatch.setattr(system, "install_missing", lambda packages, agreed: None)
    monkeypatch.setattr(environment, "prepare_environment", lambda root, extras: Path("python"))
    monkeypatch.setattr(run, "hand_over", lambda command, environment: noted.append([*map(str, command)]) or 0)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.chdir(Path.cwd())
    return noted


def test_it_needs_only_the_standard_library() -> None:
    nodes = [node for path in MODULES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    imported = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    imported += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    assert {name.partition(".")[0] for name in imported} <= {"install", *sys.stdlib_module_names}


def test_an_old_interpreter_can_read_it() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 7))
    at_start = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert at_start <= {"os", "subprocess", "sys"}


def test_help_names_the_commands() -> None:
    command = [sys.executable, "-I", "-S", str(SOURCE), "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert all(f"run.py {command}" in shown.stdout for command in ("live", "test", "check", "setup"))


@pytest.mark.parametrize("version", [(3, 10), (3, 15), (4, 0)])
def test_a_python_that_is_too_old_or_too_new_is_named(
    commands, version: tuple[int, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    assert run.main(["live"]) == 2 and commands == []
    assert f"Python {version[0]}.{version[1]}, SepPrune Live needs 3.11 to 3.14" in capsys.readouterr().err


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_supported_pythons_pass(commands, minor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, minor, 0, "final", 0))
    assert run.main(["live"]) == 0 and len(commands) == 1


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


@pytest.mark.parametrize(
    ("arguments", "environment_ci", "expected"),
    [
        (["live", "--yes"], None, True),
        (["--yes", "test"], None, True),
        (["test"], "true", True),
        (["test"], None, False),
    ],
)
def test_a_flag_and_continuous_integration_agree_to_system_packages(
    commands, monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment_ci: str | None, expected: bool
) -> None:
    agreements: list[bool] = []
    monkeypatch.setattr(system, "install_missing", lambda packages, agreed: agreements.append(agreed))
    monkeypatch.delenv("CI", raising=False)
    if environment_ci is not None:
        monkeypatch.setenv("CI", environment_ci)
    run.main(arguments)
    assert agreements == [expected] and "--yes" not in commands[0]
