"""``sepprune prune --channels``: one share of channels, or shares by group."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sepprune.cli import main
from tests.commands.test_prune import FACTORY


@pytest.mark.parametrize(
    ("words", "kept"), [(["0.5"], 0.5), (["*=0.25"], 0.25), (["encoder=1", "*=0.5"], None), (["network.*=0.5"], None)]
)
def test_shares_of_channels_are_given_for_all_or_by_group(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], kept: float | None
) -> None:
    (tmp_path / "model.py").write_text(FACTORY)
    model, out = f"{tmp_path / 'model.py'}:make", str(tmp_path / "out")
    assert main(["prune", model, "--method", "l2", "--channels", *words, "--out", out, "--json", "-"]) == 0
    groups = {group["id"]: group for group in json.loads(capsys.readouterr().out)["groups"]}
    if kept is None:
        assert groups["encoder"]["kept"] == 16 and groups["network.0"]["kept"] == 10
    else:
        assert sum(group["kept"] for group in groups.values()) == round(52 * kept)


@pytest.mark.parametrize("word", ["half", "encoder=half", "=", "=0.5"])
def test_a_share_of_channels_that_is_none_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    (tmp_path / "model.py").write_text(FACTORY)
    model, out = f"{tmp_path / 'model.py'}:make", str(tmp_path / "out")
    assert main(["prune", model, "--method", "l2", "--channels", word, "--out", out]) == 2
    assert "--channels" in capsys.readouterr().err


def test_rounding_that_changes_a_share_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.py").write_text(FACTORY)
    model, out = f"{tmp_path / 'model.py'}:make", str(tmp_path / "out")
    assert main(["prune", model, "--method", "l2", "--channels", "*=0.25", "--round-to", "64", "--out", out]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "groups keep another number of channels than asked for" in shown
    assert "multiples of 64 channels are kept, or all" in shown


@pytest.mark.parametrize("option", ["--seconds=inf", "--seconds=1e300", "--sample-rate=-1", "--threshold=nan"])
def test_a_number_that_is_not_possible_is_one_sentence(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    budget = [] if "threshold" in option else ["--macs", "0.6"]
    assert main(["prune", "skim", option, *budget, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert " is not possible: give " in error and error.count("\n") == 1
