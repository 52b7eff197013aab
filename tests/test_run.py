"""``run.py`` prepares a fresh machine, or says what the user has to do."""

from __future__ import annotations

import _ctypes
import ast
import io
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import run
from install import environment, system
from install.common import Stop
from install.environment import Progress, fingerprint, prepare_environment

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
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing but what names its dependencies."""
    folder = tmp_path / "checkout"
    (folder / "install").mkdir(parents=True)
    for name in environment.EXTRA_LOCKS:
        shutil.copy(SOURCE.parent / name, folder / name)
    return folder


def interpreter(checkout: Path, body: str) -> Path:
    """A stand-in for .venv's Python."""
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)
    return python


def test_it_needs_only_the_standard_library() -> None:
    nodes = [node for path in MODULES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    imported = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    imported += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    assert {name.partition(".")[0] for name in imported} <= {"install", *sys.stdlib_module_names}


def test_an_old_interpreter_can_read_it() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 7))
    at_start = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert at_start <= {"os", "subprocess", "sys"}


def test_help_names_the_three_commands() -> None:
    command = [sys.executable, "-I", "-S", str(SOURCE), "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert all(f"run.py {command}" in shown.stdout for command in ("live", "test", "setup"))


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
    """Standard input at which somebody types."""

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
    told: list[bool] = []
    monkeypatch.setattr(system, "install_missing", lambda packages, agreed: told.append(agreed))
    monkeypatch.delenv("CI", raising=False)
    if environment_ci is not None:
        monkeypatch.setenv("CI", environment_ci)
    run.main(arguments)
    assert told == [expected] and "--yes" not in commands[0]


def test_an_installation_that_fails_shows_its_last_lines(program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("apt-get", "echo 'E: no space left'; exit 100")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Stop, match="libportaudio2:\n.*no space left"):
        system.install_missing(["libportaudio2"], agreed=True)


def test_other_systems_get_their_own_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/dnf" if name == "dnf" else None)
    with pytest.raises(Stop, match="libportaudio2.*\n.*sudo dnf install portaudio"):
        system.install_missing(["libportaudio2"], agreed=True)


def test_dependencies_are_installed_once(checkout: Path, tmp_path: Path) -> None:
    interpreter(checkout, f'echo "$@" >> {tmp_path}/calls')
    prepare_environment(checkout, [])
    first = (tmp_path / "calls").read_text()
    prepare_environment(checkout, [])
    assert (tmp_path / "calls").read_text() == first


def test_the_live_app_is_installed_from_files_that_are_checked_and_without_extras(
    checkout: Path, tmp_path: Path
) -> None:
    interpreter(checkout, f'echo "$@" >> {tmp_path}/calls')
    prepare_environment(checkout, [])
    dependencies, project = [line for line in (tmp_path / "calls").read_text().splitlines() if " install " in line]
    assert f"--require-hashes --no-deps --requirement {checkout / 'install/live.txt'}" in dependencies
    assert "--no-index --no-deps" in project and project.endswith(f"--editable {checkout}")


def test_the_tests_dependencies_are_installed_as_locked(checkout: Path, tmp_path: Path) -> None:
    interpreter(checkout, f'echo "$@" >> {tmp_path}/calls')
    prepare_environment(checkout, ["dev"])
    calls = (tmp_path / "calls").read_text()
    assert f"--require-hashes --no-deps --requirement {checkout / 'install/dev.txt'}" in calls
    wanted = f"--constraint {checkout / 'constraints.txt'} --no-build-isolation --editable {checkout}[dev]"
    assert wanted in calls


def test_extras_are_kept_when_the_live_app_is_started(checkout: Path, tmp_path: Path) -> None:
    interpreter(checkout, f'echo "$@" >> {tmp_path}/calls')
    prepare_environment(checkout, ["dev"])
    first = (tmp_path / "calls").read_text()
    prepare_environment(checkout, [])
    prepare_environment(checkout, ["dev"])
    assert (tmp_path / "calls").read_text() == first


def test_an_unknown_extra_is_answered_with_those_that_exist(checkout: Path) -> None:
    with pytest.raises(Stop, match="there is no extra 'gpu': choose from train, onnx, metrics, dev"):
        prepare_environment(checkout, ["gpu"])


def test_the_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((SOURCE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(environment.EXTRAS) == set(project["optional-dependencies"])


@pytest.mark.parametrize("name", environment.LIVE_LOCKS)
def test_changed_dependencies_are_installed_again(checkout: Path, name: str) -> None:
    before = fingerprint(checkout), fingerprint(checkout, "dev")
    with open(checkout / name, "a") as file:
        file.write("# changed\n")
    assert fingerprint(checkout) != before[0] and fingerprint(checkout, "dev") != before[1]


def test_what_only_extras_need_does_not_install_the_live_app_again(checkout: Path) -> None:
    before = fingerprint(checkout), fingerprint(checkout, "dev")
    with open(checkout / "constraints.txt", "a") as file:
        file.write("# changed\n")
    assert fingerprint(checkout) == before[0] and fingerprint(checkout, "dev") != before[1]


def test_downloads_are_shown_with_name_and_size(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    for line in (
        "Collecting numpy==2.4.6 (from -r live.txt (line 3))",
        "  Downloading numpy-2.4.6-cp311.whl.metadata (62 kB)",
        "  Downloading numpy-2.4.6-cp311.whl (16.9 MB)",
        "Progress 16900000 of 16900000",
        "  Using cached rich-15.0.0-py3-none-any.whl (310 kB)",
        "Installing collected packages: numpy, rich",
    ):
        progress.read(line.split())
    assert capsys.readouterr().out.splitlines() == [
        "  numpy-2.4.6-cp311.whl (16.9 MB)",
        "  rich-15.0.0-py3-none-any.whl (310 kB) from the cache",
        "  unpacking",
    ]


def test_an_installation_that_failed_is_tried_again(checkout: Path) -> None:
    interpreter(checkout, 'case "$*" in *install*) echo "ERROR: no such version"; exit 1;; esac')
    for _attempt in range(2):
        with pytest.raises(Stop, match="no such version"):
            prepare_environment(checkout, [])
