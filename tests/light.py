"""A virtual environment that has what the live app needs and nothing else, as on a listener's machine."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: what the live app must never need
HEAVY = ("torch", "nncf", "matplotlib", "scipy", "torchmetrics", "onnx", "onnxruntime", "threadpoolctl")


def base_distributions() -> set[str]:
    """Distributions that the project needs without extras, on this machine."""
    names: set[str] = set()
    todo = [Requirement(text) for text in PROJECT["dependencies"]]
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name not in names and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            names.add(name)
            todo += [Requirement(text) for text in importlib.metadata.requires(name) or []]
    return names


class LightEnvironment:
    """Its Python, and how programs are run by it."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        question = "import sysconfig; print(sysconfig.get_path('purelib'))"
        self.packages = Path(subprocess.check_output([str(self.python), "-c", question], text=True).strip())
        for name in base_distributions():
            for file in importlib.metadata.files(name) or []:
                top = self.packages / file.parts[0]
                if file.parts[0] != ".." and not top.exists():
                    top.symlink_to(Path(str(importlib.metadata.distribution(name).locate_file(file.parts[0]))))

    def run(
        self, *command: str, folder: Path, home: Path, status: int = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run this Python with ``command`` in ``folder``; its settings and caches go to ``home``."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CI")}
        places = dict.fromkeys(
            ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "SEPPRUNE_CACHE"), str(home)
        )
        ended = subprocess.run(
            [str(self.python), *command],
            cwd=folder,
            env=kept | places | {"QT_QPA_PLATFORM": "offscreen"} | variables,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended


@pytest.fixture(scope="session")
def light(tmp_path_factory: pytest.TempPathFactory) -> LightEnvironment:
    return LightEnvironment(tmp_path_factory.mktemp("light") / "venv")
