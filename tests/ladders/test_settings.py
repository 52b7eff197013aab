"""The configuration of a ladder is data that is checked when it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepprune.errors import UserError
from sepprune.ladders.settings import LevelSpec, load_ladder_settings, stages
from tests.ladders.conftest import LEVELS

ROOT = Path(__file__).resolve().parents[2]


def test_every_level_is_a_table(ladder_config: Path) -> None:
    settings = load_ladder_settings(str(ladder_config))
    assert settings.levels == (LevelSpec(), LevelSpec(macs=0.7), LevelSpec(macs=0.4))


def test_a_level_overrides_what_training_says(ladder_config: Path) -> None:
    tables = '[[level]]\n[[level]]\nmacs = 0.5\nlearning_rate = 2e-3\nimitation = 0.5\nhints = ["norm"]\ntime_share = 2'
    ladder_config.write_text(ladder_config.read_text().replace(LEVELS, tables))
    level = load_ladder_settings(str(ladder_config)).levels[1]
    assert level == LevelSpec(0.5, learning_rate=2e-3, imitation=0.5, hints=("norm",), time_share=2)


def test_data_and_start_of_the_command_replace_those_of_the_file(ladder_config: Path) -> None:
    settings = load_ladder_settings(str(ladder_config), "elsewhere", "another")
    assert (settings.training.data, settings.start) == ("elsewhere", "another")


def test_the_bundled_ladder_is_made_in_the_order_that_its_levels_need() -> None:
    settings = load_ladder_settings(str(ROOT / "configs/ladder.toml"))
    assert [spec.macs for spec in settings.levels] == [1, 0.75, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05]
    assert stages(settings.levels, range(8)) == [[0, 1, 2, 4], [3, 5, 6], [7]]


def test_a_stage_holds_only_the_levels_that_are_asked_for() -> None:
    levels = (LevelSpec(), LevelSpec(0.8), LevelSpec(0.6, contains=3), LevelSpec(0.4, cut_from=1), LevelSpec(0.2))
    assert stages(levels, [2, 3, 4]) == [[4], [3], [2]]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "mask_steps = 3",
            "mask_stepz = 3",
            "unknown entry 'mask_stepz': choose from bits, card, joint, level, mask_steps",
        ),
        ("mask_steps = 3", "reductions = [0.3, 0.6]", "unknown entry 'reductions'"),
        ("macs = 0.7", "share = 0.7", r"\[\[level\]\] 1 of .* has an unknown entry 'share': choose from contains"),
        ("macs = 0.7", 'macs = "most"', r"\[\[level\]\] 1 of .* has macs = 'most': give a number"),
        ("macs = 0.7", "macs = true", "has macs = True: give a number"),
        ("macs = 0.7", "macs = 0.3", r"\[\[level\]\] 2 .* macs = 0.4: give a share above 0 and below that of level 1"),
        ("macs = 0.7", "macs = 1.5", "give a share above 0 and below that of level 0, 1"),
        ("macs = 0.4", "macs = 0.0", "give a share above 0"),
        ("macs = 0.4", "macs = 0.4\ncut_from = 2", "is cut from level 2: choose a heavier one, 0 to 1"),
        ("macs = 0.4", 'macs = 0.4\ncut_from = "one"', "cut_from = 'one': give a whole number"),
        ("macs = 0.4", "macs = 0.4\ncontains = 1", "contains level 1: leave `contains` out, there is no lighter one"),
        ("macs = 0.7", "macs = 0.7\ncontains = 3", "contains level 3: choose a lighter one, 2 to 2"),
        (
            "macs = 0.7\n[[level]]\nmacs = 0.4",
            "macs = 0.7\ncontains = 2\n[[level]]\nmacs = 0.4\ncut_from = 1",
            "levels need each other in a circle, 1 -> 2 -> 1",
        ),
        ("macs = 0.4", "macs = 0.4\nhints = [3]", r"hints = \(3,\): give a list of layer names"),
        ("macs = 0.4", 'macs = 0.4\nhints = "norm"', "hints = 'norm': give a list of layer names"),
        ("macs = 0.4", "macs = 0.4\ntime_share = -1", "time_share -1 is not possible: give 0 to 1000"),
        (
            "macs = 0.4",
            "macs = 0.4\nlearning_rate = 0",
            "learning_rate 0 is not possible: give more than 0 and at most 1",
        ),
        ("macs = 0.4", "macs = 0.4\nimitation = 2", "imitation 2 is not possible: give 0 to 1"),
        ("mask_steps = 3", "mask_steps = 3\nbits = 16", "weights of 16 bits: give 2 to 8"),
        ("mask_steps = 3", "mask_steps = 0", "mask_steps 0 is not possible: give 1 to 1000000"),
        ("[card]", "[card]\nyear = 2026", "card. of .* has an entry that is no text"),
        ("mask_steps = 3", "narrowest = 8", "set whole_branches = true with it"),
        (LEVELS, "\n[[level]]\n", r"must have a \[\[level\]\] table for the dense level first"),
        (LEVELS, LEVELS.replace("[[level]]\n", "[[level]]\nmacs = 0.9\n", 1), "for the dense level first"),
        (LEVELS, "\n[level]\nmacs = 1\n", r"write \[\[level\]\] before the entries of each"),
        (LEVELS, "", "for the dense level first"),
    ],
)
def test_what_is_not_possible_is_refused(ladder_config: Path, old: str, new: str, sentence: str) -> None:
    text = ladder_config.read_text()
    assert old in text
    ladder_config.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError, match=sentence):
        load_ladder_settings(str(ladder_config))


def test_training_must_be_a_table(tmp_path: Path) -> None:
    (tmp_path / "ladder.toml").write_text('training = "later"')
    with pytest.raises(UserError, match="`training` that is no table"):
        load_ladder_settings(str(tmp_path / "ladder.toml"))
