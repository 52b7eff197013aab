"""The project around the code: locked versions, shipped files, and the direction of imports."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from sepprune.errors import UserError
from sepprune.resources import asset
from tests.light import HEAVY, base_distributions

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SOURCES = sorted(
    path for folder in ("sepprune", "app", "assets", "install", "tests") for path in (ROOT / folder).rglob("*.py")
)


def locked() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="ascii").splitlines()
    requirements = [Requirement(line) for line in lines if not line.startswith("#")]
    requirements = [one for one in requirements if not one.marker or one.marker.evaluate()]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in requirements}


def needed() -> set[str]:
    """Every distribution that the project and its tests need on this machine."""
    extras = PROJECT["optional-dependencies"]
    todo = [*PROJECT["dependencies"], *extras["dev"], *extras["train"], *extras["onnx"]]
    seen: set[tuple[str, str]] = set()
    while todo:
        requirement = Requirement(todo.pop())
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen or name == PROJECT["name"]:
                continue
            seen.add((name, extra))
            children = [Requirement(text) for text in importlib.metadata.requires(name) or []]
            todo += [str(child) for child in children if not child.marker or child.marker.evaluate({"extra": extra})]
    return {name for name, _extra in seen}


def imports(path: Path) -> set[str]:
    """Modules that a file imports, relative ones in full."""
    package = path.relative_to(ROOT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            found.add(".".join((*base, *([node.module] if node.module else []))))
    return found


def modules_after(statement: str) -> set[str]:
    script = f"{statement}; import sys; print(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split()
    )


def test_every_needed_distribution_is_locked() -> None:
    assert needed() <= set(locked())


def hashed(name: str) -> dict[str, str]:
    """Versions in a lock file with hashes; every entry must have some."""
    entries = re.split(r"\n(?=\S)", (ROOT / "install" / name).read_text(encoding="ascii").strip())
    found = {}
    for entry in entries[1:]:  # after the comment
        requirement, *hashes = [part.strip() for part in entry.split("\\\n")]
        assert hashes and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", part) for part in hashes), requirement
        one = Requirement(requirement)
        if one.marker and not one.marker.evaluate():
            continue  # the entry of another Python
        found[canonicalize_name(one.name)] = str(one.specifier).removeprefix("==")
    return found


@pytest.mark.parametrize("name", ["live.txt", "dev.txt"])
def test_a_lock_file_with_hashes_has_the_locked_versions_and_names_no_host(name: str) -> None:
    versions = locked()
    assert hashed(name).items() <= versions.items()
    assert "://" not in (ROOT / "install" / name).read_text(encoding="ascii")


def test_what_the_live_app_needs_is_locked_with_hashes_and_nothing_heavy_is() -> None:
    assert base_distributions() <= set(hashed("live.txt"))
    assert not set(HEAVY) & set(hashed("live.txt"))


def test_what_the_tests_need_is_locked_with_hashes_but_torch_and_its_libraries() -> None:
    unhashed = needed() - set(hashed("dev.txt"))
    assert {name for name in unhashed if not name.startswith(("torch", "nvidia-", "cuda-", "triton"))} == set()


def test_what_is_installed_is_what_is_locked() -> None:
    versions = locked()
    different = {
        name: importlib.metadata.version(name)
        for name in needed()
        if Version(importlib.metadata.version(name)).public != Version(versions[name]).public
    }
    assert not different


def test_each_dependency_says_what_it_is_for() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = PROJECT["optional-dependencies"].values()
    names = [name for names in (PROJECT["dependencies"], *extras) for name in names if "[" not in name]
    assert [name for name in names if not re.search(rf'^ *"{re.escape(name)}", +# \w', text, re.MULTILINE)] == []


def test_an_asset_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match="'demo/nothing.flac'"):
        asset("demo/nothing.flac")


@pytest.mark.parametrize("name", ["mixture", "voice1", "voice2"])
def test_the_demo_lasts_half_a_minute_in_the_separators_format(name: str) -> None:
    facts = soundfile.info(asset(f"demo/{name}.flac"))
    assert (facts.samplerate, facts.channels, facts.frames) == (16_000, 1, 30 * 16_000)


def test_the_demo_mixture_is_its_voices_and_a_quiet_room() -> None:
    mixture, voice1, voice2 = (
        soundfile.read(asset(f"demo/{name}.flac"))[0] for name in ("mixture", "voice1", "voice2")
    )
    room = mixture - voice1 - voice2
    assert 10 * np.log10(np.mean(room**2) / np.mean((voice1 + voice2) ** 2)) < -30


def test_the_demo_mixture_peaks_at_3_db_below_full_scale() -> None:
    mixture, _rate = soundfile.read(asset("demo/mixture.flac"))
    assert 20 * np.log10(np.abs(mixture).max()) == pytest.approx(-3, abs=0.01)


@pytest.mark.parametrize("name", ["sepprune", "sepprune.streaming", "app", "app.engine"])
def test_importing_does_not_load_torch(name: str) -> None:
    assert "torch" not in modules_after(f"import {name}")


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("sepprune", "PyQt6|pyqtgraph|sounddevice|app"),
        ("sepprune/pruning", "sepprune.separators|sepprune.streaming"),
        ("sepprune/separators", "sepprune.pruning|sepprune.streaming|sepprune.training"),
        ("sepprune/streaming", "sepprune.training|rich|matplotlib"),
        ("app/engine", "PyQt6|pyqtgraph|torch|app.ui"),
        ("app/ui", "torch|openvino|onnxruntime|sounddevice|sepprune.streaming"),
    ],
)
def test_imports_run_one_way(folder: str, forbidden: str) -> None:
    pattern = re.compile(rf"({forbidden})(\.|$)")
    assert [
        (path.name, name)
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in sorted(imports(path))
        if pattern.match(name)
    ] == []


def test_no_source_file_is_longer_than_300_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_the_linter_finds_nothing() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--quiet", "--no-cache", str(ROOT)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert found.stdout == ""


def test_the_readme_links_only_to_what_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [target for target in targets if not (ROOT / target).exists()] == []
