from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sepprune.errors import UserError
from sepprune.streaming import Ladder, LevelRecord, write_ladder
from tests.streaming.ladders import SETTINGS, random_weights


@pytest.fixture
def folder(skim_ladder: Ladder, tmp_path: Path) -> Path:
    return Path(shutil.copytree(skim_ladder.folder, tmp_path / "ladder"))


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    index = folder / "ladder.json"
    data = json.loads(index.read_text())
    change(data)
    index.write_text(json.dumps(data))


def test_a_ladder_knows_its_filterbank_and_the_facts_of_its_levels(skim_ladder: Ladder) -> None:
    level = Ladder.load(skim_ladder.folder)[2]
    assert (skim_ladder.sample_rate, skim_ladder.sources, skim_ladder.hop, skim_ladder.delay) == (16_000, 2, 32, 32)
    assert (level.segment, level.macs_per_second, level.si_sdri) == (6, 1e6 / 3, {"clean": 1.5})


def test_params_are_counted_when_a_ladder_is_written(skim_ladder: Ladder) -> None:
    assert skim_ladder[0].params == sum(parameter.numel() for parameter in skim_ladder.build(0).parameters())


def test_a_level_is_built_with_the_weights_that_were_written(tcn_ladder: Ladder) -> None:
    built, written = tcn_ladder.build(0).state_dict(), random_weights("conv-tasnet")
    assert all(torch.equal(built[key], written[key]) for key in written)


def test_a_built_level_is_ready_for_use(tcn_ladder: Ladder) -> None:
    assert not tcn_ladder.build(0).training


def test_a_pruned_level_is_rebuilt_by_its_plan(tmp_path: Path) -> None:
    import sepprune

    module = sepprune.build_separator("conv-tasnet", **SETTINGS["conv-tasnet"])
    module.load_state_dict(random_weights("conv-tasnet"))
    pruned = sepprune.prune(module.eval(), torch.zeros(1, 320), macs=0.6, method="l1", seed=0)
    write_ladder(
        tmp_path,
        "pruned",
        [
            LevelRecord(
                "conv-tasnet", SETTINGS["conv-tasnet"], pruned.plan, pruned.model.state_dict(), {"macs_per_second": 1.0}
            )
        ],
    )
    mixture = torch.randn(1, 320)
    with torch.no_grad():
        torch.testing.assert_close(Ladder.load(tmp_path).build(0)(mixture)[0], pruned.model.eval()(mixture)[0])


def test_levels_with_different_filterbanks_are_no_ladder(tmp_path: Path) -> None:
    other = {**SETTINGS["conv-tasnet"], "hop": 64, "window": 128}
    from sepprune.separators import build_separator

    levels = [
        LevelRecord(
            "conv-tasnet",
            settings,
            None,
            build_separator("conv-tasnet", **settings).state_dict(),
            {"macs_per_second": 1.0},
        )
        for settings in (SETTINGS["conv-tasnet"], other)
    ]
    with pytest.raises(ValueError, match="a ladder has one"):
        write_ladder(tmp_path, "mixed", levels)


@pytest.mark.parametrize("level", [-1, 3])
def test_a_level_that_is_not_there_is_named_with_the_choice(skim_ladder: Ladder, level: int) -> None:
    with pytest.raises(UserError, match=f"no level {level}: choose from 0 .dense. to 2"):
        skim_ladder[level]


def remove_index(folder: Path) -> None:
    (folder / "ladder.json").unlink()


def garble_index(folder: Path) -> None:
    (folder / "ladder.json").write_text("{")


DEFECTS: list[tuple[Callable[[Path], Any], str]] = [
    (shutil.rmtree, "no ladder folder"),
    (remove_index, "holds no ladder.json"),
    (garble_index, "not valid JSON"),
    (lambda folder: (folder / "ladder.json").write_text("[]"), "expected an object"),
    (lambda folder: edit(folder, lambda data: data.update(format="other")), "format is 'other'"),
    (lambda folder: edit(folder, lambda data: data.update(version=99)), "version 99"),
    (lambda folder: edit(folder, lambda data: data.pop("hop")), "'hop' is missing"),
    (lambda folder: edit(folder, lambda data: data["levels"][1].pop("sha256")), "'sha256' is missing"),
    (lambda folder: edit(folder, lambda data: data.update(levels=[])), "must list levels"),
    (lambda folder: edit(folder, lambda data: data["levels"][0].update(weights="../a.safetensors")), "lacks its file"),
    (lambda folder: (folder / "level-1.safetensors").unlink(), "lacks its file level-1.safetensors"),
]


@pytest.mark.parametrize(("defect", "sentence"), DEFECTS, ids=[sentence for _, sentence in DEFECTS])
def test_a_defect_of_the_folder_is_one_sentence(folder: Path, defect: Callable[[Path], Any], sentence: str) -> None:
    defect(folder)
    with pytest.raises(UserError, match=sentence) as error:
        Ladder.load(folder)
    assert "\n" not in str(error.value)


def test_weights_that_changed_are_refused(folder: Path) -> None:
    weights = folder / "level-0.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="level-0.safetensors is damaged"):
        Ladder.load(folder).build(0)


def test_truncated_weights_are_refused_even_under_their_own_hash(folder: Path) -> None:
    content = (folder / "level-0.safetensors").read_bytes()[:-100]
    (folder / "level-0.safetensors").write_bytes(content)
    edit(folder, lambda data: data["levels"][0].update(sha256=hashlib.sha256(content).hexdigest()))
    with pytest.raises(UserError, match="no safetensors file"):
        Ladder.load(folder).build(0)


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    edit(folder, lambda data: data["levels"][0]["model"]["settings"].update(features=12))
    with pytest.raises(UserError, match="does not fit") as error:
        Ladder.load(folder).build(0)
    assert "\n" not in str(error.value)
