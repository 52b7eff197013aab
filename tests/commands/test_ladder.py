"""``sepprune ladder``: one command makes a ladder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sepprune.cli import main
from sepprune.ladders.settings import load_ladder_settings
from sepprune.streaming import Ladder
from tests.ladders.conftest import data_folder, ladder_config, own_cache

__all__ = ["data_folder", "ladder_config", "own_cache"]


def ladder(config: Path, *more: str) -> int:
    return main(["ladder", str(config), "--minutes", "0.02", *more])


def test_a_ladder_has_the_dense_level_and_every_level_of_the_file(ladder_config: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert ladder(ladder_config, "--json", str(report)) == 0
    made = Ladder.load(tmp_path / "ladder")
    shares = [level.macs_per_second / made.levels[0].macs_per_second for level in made.levels]
    assert shares == pytest.approx([1.0, 0.7, 0.4], abs=0.02)
    assert made.card["data"] == "synthetic voices"
    printed = json.loads(report.read_text())
    assert [entry["level"] for entry in printed["levels"]] == [0, 1, 2]
    assert printed["complete"] and printed["ladder"] == str(tmp_path / "ladder")


def test_people_see_what_is_made_from_what(ladder_config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ladder_config.write_text(ladder_config.read_text().replace("macs = 0.7", "macs = 0.7\ncontains = 2"))
    assert ladder(ladder_config) == 0
    printed = capsys.readouterr().err
    assert "level 0: dense" in printed
    assert "level 2: 40% of the MACs, cut from level 0" in printed
    assert "level 1: 70% of the MACs, contains level 2" in printed
    assert "learning masks comes on top" in printed


def test_a_dense_separator_with_random_weights_is_a_warning(
    ladder_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ladder_config.read_text().splitlines()
    ladder_config.write_text("\n".join(line for line in lines if "dense.safetensors" not in line))
    assert ladder(ladder_config, "--levels", "0") == 0
    assert "has random weights, so its channels mean nothing" in capsys.readouterr().err


def test_a_log_gets_a_line_for_every_tenth_part_of_mask_learning(
    ladder_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ladder(ladder_config, "--levels", "2") == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "of level 2" in line]
    steps = load_ladder_settings(str(ladder_config)).mask_steps
    assert lines[0] == "scoring channels of level 2"
    assert len(lines) == 1 + min(steps, 10)
    assert lines[-1].startswith(f"learning masks of level 2: step {steps} of {steps}, loss ")


def test_only_the_levels_that_are_named_are_made(ladder_config: Path, tmp_path: Path) -> None:
    assert ladder(ladder_config, "--levels", "2") == 0
    assert len(Ladder.load(tmp_path / "ladder").levels) == 2
    assert not (tmp_path / "runs/level-1").exists()


def test_a_ladder_is_written_without_making_levels(ladder_config: Path, tmp_path: Path) -> None:
    assert ladder(ladder_config, "--write-only") == 0
    assert len(Ladder.load(tmp_path / "ladder").levels) == 1 and not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--levels", "1,7"), "expected level numbers from 0 to 2"),
        (("--levels", "one"), "--levels 'one' is no list of level numbers"),
        (("--minutes", "0"), "--minutes 0 is not possible: give more than 0 and at most 527040"),
        (("--minutes", "inf"), "--minutes inf is not possible"),
        (("--minutes", "1e300"), "--minutes 1e+300 is not possible"),
        (("--start", "nowhere"), "there is no ladder folder nowhere"),
    ],
)
def test_a_wrong_argument_is_one_sentence(
    ladder_config: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], sentence: str
) -> None:
    assert ladder(ladder_config, *more) == 2
    assert sentence in capsys.readouterr().err
