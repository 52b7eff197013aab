"""``run.py`` prepares a fresh machine and starts a command, or says what the user has to do."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import run
from install import environment, halves, system

SOURCE = Path(run.__file__)
MODULES = [SOURCE, *sorted((SOURCE.parent / "install").glob("*.py"))]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What a prepared machine would become: commands are noted, not started."""
    noted: list[list[str]] = []
    monkeypatch.setattr(system, "install_missing", lambda packages, agreed: None)
    monkeypatch.setattr(environment, "prepare_environment", lambda root, extras: Path("python"))
    monkeypatch.setattr(run, "hand_over", lambda command, environment: noted.append([*map(str, command)]) or 0)
    monkeypatch.setattr(run, "all_tests", lambda python, environment: noted.append([str(python), "all"]) or 0)
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


def test_both_halves_together_run_every_test_once(tmp_path: Path) -> None:
    for name in (
        "app/test_a.py",
        "audio/test_b.py",
        "study/test_c.py",
        "training/test_d.py",
        "test_e.py",
        "other/test_f.py",
    ):
        (tmp_path / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests" / name).write_text(f"def test_{Path(name).stem[-1]}(): pass\n")
    found = []
    for command in halves.commands_of_halves(tmp_path, Path(sys.executable)):
        listed = subprocess.run([*command, "--collect-only", "-q"], cwd=tmp_path, capture_output=True, text=True)
        found.append([line.rsplit("::", 1)[1] for line in listed.stdout.splitlines() if "::" in line])
    assert found[1] == ["test_f"] and sorted(found[0] + found[1]) == [f"test_{letter}" for letter in "abcdef"]


@pytest.mark.parametrize("failing", [None, "app", "other"])
def test_a_half_that_fails_fails_the_run_and_both_are_printed(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], failing: str | None
) -> None:
    for name in ("app", "other"):
        (tmp_path / "tests" / name).mkdir(parents=True)
        (tmp_path / "tests" / name / f"test_{name}.py").write_text(f"def test_it(): assert {name != failing}\n")
    status = halves.run_in_halves(tmp_path, Path(sys.executable), os.environ)
    printed = capfdbinary.readouterr().out
    assert (status == 0) == (failing is None) and b"test_app.py" in printed and b"test_other.py" in printed


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
