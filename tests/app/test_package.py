"""The package works under another name: the installed wheel calls it ``sepprune_live``."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import speech_like

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "app").rglob("*.py"))


def own_name(tree: ast.Module) -> Iterator[str]:
    """Absolute imports of ``app``, and string constants other than docstrings that begin with its name."""
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] == "app")
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "app":
            yield node.module or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            if node.value == "app" or node.value.startswith("app."):
                yield node.value


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(ROOT)) for file in FILES])
def test_no_file_names_its_own_package(file: Path) -> None:
    assert list(own_name(ast.parse(file.read_text(encoding="utf-8")))) == []


def test_the_program_runs_under_another_name(ladder: Path, sound: Callable[..., Path], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "app", tmp_path / "sepprune_live", ignore=shutil.ignore_patterns("__pycache__"))
    arguments = ["--headless", "--input", sound(speech_like(0.2)), "--output", "none", "--ladder", ladder]
    done = subprocess.run(
        [sys.executable, "-m", "sepprune_live", *map(str, arguments)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
    )
    assert done.returncode == 0 and "Chunk time" in done.stdout, done.stderr
