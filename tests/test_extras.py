from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from sepprune import extras
from sepprune.errors import UserError

PROJECT = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_a_missing_package_is_named_with_its_extra_and_the_command() -> None:
    with pytest.raises(UserError, match="a score needs the package no_such_package, .* extra 'train' with python3 run"):
        extras.require("no_such_package", extra="train", purpose="a score")


def test_a_package_that_is_installed_passes() -> None:
    extras.require("numpy", extra="train", purpose="a score")


def test_an_installed_wheel_is_told_to_use_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "site-packages/sepprune/extras.py"))
    assert extras.install_command("onnx") == "pip install 'sepprune-live[onnx]'"


def test_an_import_that_failed_is_explained() -> None:
    error = extras.explained(ModuleNotFoundError("no", name="torch.nn"), "sepprune prune")
    assert error is not None and str(error).startswith("sepprune prune needs the package torch, ")
    assert extras.explained(ModuleNotFoundError("no", name="sepprune.gone"), "sepprune prune") is None


def test_every_package_is_in_the_extra_that_is_named() -> None:
    for module, names in extras._EXTRAS.items():
        for extra in names:
            packages = {Requirement(text).name for text in PROJECT["optional-dependencies"][extra]}
            assert extras.package_of(module) in packages


def test_the_extra_of_the_command_is_named_where_it_has_the_package() -> None:
    missing = ModuleNotFoundError("no", name="scipy.stats")
    assert "extra 'study'" in str(extras.explained(missing, "this command", "study"))
    assert "extra 'train'" in str(extras.explained(missing, "this command", "evaluate"))
