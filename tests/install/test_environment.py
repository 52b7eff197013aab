"""The virtual environment gets what is locked, once."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from install import environment
from install.common import Stop
from install.environment import Progress, fingerprint, prepare_environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing but what names its dependencies."""
    folder = tmp_path / "checkout"
    (folder / "install").mkdir(parents=True)
    for name in environment.EXTRA_LOCKS:
        shutil.copy(ROOT / name, folder / name)
    return folder


def interpreter(checkout: Path, body: str) -> Path:
    """A stand-in for .venv's Python."""
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)
    return python


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
    with pytest.raises(
        Stop, match="there is no extra 'gpu': choose from train, onnx, metrics, study, media, import, dev"
    ):
        prepare_environment(checkout, ["gpu"])


def test_the_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
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
