"""A ladder of an imported separator is fine-tuned at the separator's own sample rate."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepprune.errors import UserError
from sepprune.ladders.make import LadderMaker
from sepprune.ladders.settings import load_ladder_settings
from sepprune.ladders.weights import load_model
from sepprune.models import load_named
from sepprune.pruning import analyze
from sepprune.streaming import Ladder
from sepprune.training.processes import Processes
from sepprune.training.settings import ModelSettings
from tests.importing.narrowband import imported


@pytest.fixture
def config(ladder_config: Path, tmp_path: Path) -> Path:
    """The small ladder's configuration with an imported SkiM as its model."""
    folder = imported(tmp_path / "checkpoint", "espnet")
    lines = [
        line for line in ladder_config.read_text().splitlines() if not line.startswith(("settings =", "weights ="))
    ]
    ladder_config.write_text("\n".join(lines).replace('name = "skim"', f'name = "{folder}"'))
    return ladder_config


def test_its_levels_have_its_rate_and_weights(config: Path, tmp_path: Path) -> None:
    maker = LadderMaker(load_ladder_settings(str(config)), Processes())
    made = maker.make(range(3), 0.02)
    assert made.complete and all(level["audio_hours"] > 0 for level in made.levels)
    ladder = Ladder.load(maker.write())
    assert (ladder.sample_rate, ladder.hop, ladder.window, len(ladder.levels)) == (8000, 4, 8, 3)
    assert [level.model for level in ladder.levels] == ["tasnet-skim"] * 3
    dense = ladder[0].macs_per_second
    assert dense == analyze(ladder.build(0), sample_rate=8000).macs_per_second
    assert ladder[1].macs_per_second <= 0.7 * dense and ladder[2].macs_per_second <= 0.4 * dense


def test_a_folder_takes_no_other_settings(config: Path) -> None:
    config.write_text(config.read_text().replace("[training.model]", "[training.model]\nsettings = {hidden = 5}"))
    with pytest.raises(UserError, match="has settings of its own: leave `settings`"):
        load_ladder_settings(str(config))


def test_a_pruned_folder_gives_its_dense_level(tmp_path: Path) -> None:
    folder = imported(tmp_path, "asteroid")
    model = load_named(str(folder))
    same = load_model(
        ModelSettings("tasnet-tcn", dict(Ladder.load(folder)[0].settings), str(folder / "level-0.safetensors"))
    )
    for name, weight in model.state_dict().items():
        assert weight.equal(same.state_dict()[name])
