"""``sepprune train``: what is refused, and that a refusal writes nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sepprune.cli import main
from sepprune.commands.train import ALLOCATOR
from sepprune.separators.calling import NOT_FASTER
from tests.training.conftest import data_folder, own_cache
from tests.training.test_trainer import config

__all__ = ["config", "data_folder", "own_cache"]


@pytest.fixture(autouse=True)
def kept_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """With this environment the command does not restart its process."""
    for name, value in ALLOCATOR.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("option", "limits"),
    [
        ("--minutes=-1", "0 to 527040"),
        ("--minutes=nan", "0 to 527040"),
        ("--minutes=inf", "0 to 527040"),
        ("--minutes=1e300", "0 to 527040"),
        ("--benchmark=0", "more than 0 and at most 86400 seconds"),
        ("--benchmark=nan", "more than 0 and at most 86400 seconds"),
        ("--benchmark=inf", "more than 0 and at most 86400 seconds"),
        ("--threads=-1", f"0 to {os.cpu_count()} (the cores of this machine)"),
        ("--threads=1024", f"0 to {os.cpu_count()} (the cores of this machine)"),
    ],
)
def test_a_number_that_is_not_possible_is_refused_before_anything_is_written(
    config: Path, tmp_path: Path, option: str, limits: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(config), option]) == 2
    assert capsys.readouterr().err.endswith(f" is not possible: give {limits}\n") and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "option",
    [
        ("--data", "nowhere"),
        ("--weights", "nowhere.safetensors"),
        ("--plan", "nowhere.json"),
        ("--json", "nowhere/report.json"),
        ("--out", ""),
    ],
    ids=str,
)
def test_a_run_that_fails_leaves_no_folder(config: Path, tmp_path: Path, option: tuple[str, str]) -> None:
    assert main(["train", str(config), *option]) == 2
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = " + b"[" * 100_000])
def test_a_configuration_that_is_no_text_is_one_sentence(
    config: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_bytes(content)
    assert main(["train", str(config)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("seconds = 0.8", "secs = 0.8"), r"unknown entry 'secs': choose from batch"),
        (('name = "skim"', 'name = "skin"'), r"no separator is called 'skin'"),
        (("batch = 2", "batch = "), r"not valid TOML"),
        (("data = ", "datum = "), r"unknown entry 'datum'"),
        (("batch = 2", 'batch = "2"'), r"batch = '2': give a whole number"),
        (("seconds = 0.8", "seconds = nan"), r"seconds = nan: give a number"),
        (("seconds = 0.8", "level_db = [1]"), r"level_db = \[1\]: give a list of 2"),
        (("threads = 1", "threads = true"), r"threads = True: give a whole number"),
        (("settings = {", "settings = 5 #"), r"settings = 5: give a table"),
    ],
)
def test_a_wrong_configuration_is_one_sentence_and_status_2(
    config: Path,
    change: tuple[str, str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config.write_text(config.read_text().replace(*change))
    assert main(["train", str(config)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and re.search(sentence, error)


def test_a_benchmark_says_why_it_does_not_compute_in_bf16(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sepprune.separators.calling.has_bf16", lambda: False)
    config.write_text(config.read_text() + 'precision = "bf16"\n')
    assert main(["train", str(config), "--benchmark", "1"]) == 0
    assert capsys.readouterr().err == f"{NOT_FASTER}\n"
