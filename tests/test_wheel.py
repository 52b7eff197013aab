"""The wheel: the product and nothing else, and it runs where only the wheel and its dependencies are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.light import ROOT, LightEnvironment


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> LightEnvironment:
    """A fresh environment with the wheel and its dependencies."""
    environment = LightEnvironment(tmp_path_factory.mktemp("installed") / "venv")
    command = [sys.executable, "-m", "pip", "--python", str(environment.python), "install", "--quiet"]
    subprocess.run([*command, "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)
    return environment


def test_a_wheel_holds_two_packages_and_no_tests(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"sepprune", "sepprune_live"}
    assert [name for name in names if "test" in name.lower()] == []


def test_every_module_of_the_checkout_is_in_the_wheel(names: set[str]) -> None:
    sources = {
        path.relative_to(ROOT).as_posix() for folder in ("sepprune", "app") for path in (ROOT / folder).rglob("*.py")
    }
    assert {"sepprune_live" + name[3:] if name.startswith("app/") else name for name in sources} <= names


def test_a_wheel_carries_the_assets_the_types_and_the_notices(names: set[str]) -> None:
    assert {"sepprune/py.typed", "sepprune_live/py.typed", "sepprune/assets/icon.png"} <= names
    assert {"sepprune/assets/demo/mixture.flac", "sepprune/assets/ladder/ladder.json"} <= names
    assert {Path(name).name for name in names if "/licenses/" in name} == {"LICENSE", "NOTICE.md"}


def test_both_programs_run_from_another_folder(installed: LightEnvironment, tmp_path: Path) -> None:
    programs, suffix = installed.python.parent, ".exe" if os.name == "nt" else ""
    report, home = tmp_path / "report.json", tmp_path / "home"
    script = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    for command in (
        (f"sepprune{suffix}", "bench", "--help"),
        (f"sepprune-live{suffix}", "--headless", "--seconds", "1", "--output", "none", "--report", str(report)),
    ):
        installed.run("-c", script, str(programs / command[0]), *command[1:], folder=tmp_path, home=home)
    assert json.loads(report.read_text(encoding="utf-8"))["backend"] == "openvino"


def test_the_bundled_files_are_found_and_the_checkouts_names_are_not(
    installed: LightEnvironment, tmp_path: Path
) -> None:
    script = (
        "import importlib.util\n"
        "from sepprune.resources import asset\n"
        "print(asset('demo/mixture.flac'), [name for name in ('app', 'tests') if importlib.util.find_spec(name)])"
    )
    output = installed.run("-c", script, folder=tmp_path, home=tmp_path).stdout.strip()
    assert output == f"{installed.packages / 'sepprune/assets/demo/mixture.flac'} []"


def test_in_a_checkout_the_app_has_its_installed_name_too(tmp_path: Path) -> None:
    script = "import sepprune_live.cli; print(sepprune_live.cli.__file__)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    output = subprocess.check_output([sys.executable, "-c", script], cwd=tmp_path, env=environment, text=True).strip()
    assert Path(output) == ROOT / "app/cli.py"
