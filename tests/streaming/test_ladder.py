from __future__ import annotations

import hashlib
import inspect
import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import sepprune
from sepprune.errors import UserError
from sepprune.separators import CausalSeparator, build_separator
from sepprune.streaming import Ladder, LevelRecord, write_ladder
from sepprune.streaming.ladder import SHARED
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
    (lambda folder: edit(folder, lambda data: data["levels"][0].update(segment=5)), "segments of 6 frames, .* says 5"),
    (
        lambda folder: edit(folder, lambda data: data["levels"][0].update(weights="../a.safetensors")),
        "in the same folder",
    ),
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


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"features": 12_000, "hidden": 12_000}, "at most 64 million are read"),
        ({"blocks": 200_000}, "expected a whole number from 1 to 512"),
        ({"hidden": [16] * 600}, "a list of at most 512"),
        ({"hop": 0}, "has hop 0"),
        ({"features": "24"}, "expected a whole number"),
        ({"memory": 10**400}, "expected a whole number"),
        ({"analysis_window": 900_000}, "does not fit"),
        ({"hidden": 2_000}, "its settings ask for"),
        ({"segment": 0}, "does not fit|expected"),
    ],
    ids=str,
)
def test_settings_of_a_hostile_ladder_are_refused_before_memory_is_taken(
    folder: Path, change: dict[str, Any], sentence: str
) -> None:
    edit(folder, lambda data: data["levels"][0]["model"]["settings"].update(change))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match=sentence) as error:
        Ladder.load(folder).build(0)
    assert "\n" not in str(error.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kilobytes


@pytest.mark.parametrize("value", [0, -1, 10**9, "32", None, 2.5, [32]], ids=str)
@pytest.mark.parametrize("key", ["hop", "window", "sources", "sample_rate"])
def test_an_index_with_an_impossible_size_is_one_sentence(folder: Path, key: str, value: object) -> None:
    edit(folder, lambda data: data.update({key: value}))
    with pytest.raises(UserError, match=key) as error:
        Ladder.load(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"hop": Infinity}', '{"a":' * 50_000])
def test_an_index_that_is_no_json_is_one_sentence(folder: Path, content: str) -> None:
    (folder / "ladder.json").write_text(content)
    with pytest.raises(UserError, match="not valid JSON"):
        Ladder.load(folder)


@pytest.mark.parametrize("name", ["n" * 300, "n" * 5000, "a\0b"])
def test_a_folder_name_that_cannot_exist_is_one_sentence(name: str) -> None:
    with pytest.raises(UserError, match="there is no ladder folder"):
        Ladder.load(name)


def test_scales_that_would_widen_the_weights_are_refused(folder: Path) -> None:
    stored = {"weight": torch.zeros(1, 100, dtype=torch.int8), "weight.scale": torch.ones(100_000)}
    content = safetensors.torch.save(stored)
    (folder / "level-0.safetensors").write_bytes(content)
    edit(folder, lambda data: data["levels"][0].update(sha256=hashlib.sha256(content).hexdigest()))
    with pytest.raises(UserError, match="expected one for each row"):
        Ladder.load(folder)[0].arrays()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(folder: Path, value: float) -> None:
    stored = safetensors.torch.load((folder / "level-0.safetensors").read_bytes())
    name = next(name for name, weight in stored.items() if weight.is_floating_point())
    stored[name].flatten()[0] = value
    content = safetensors.torch.save(stored)
    (folder / "level-0.safetensors").write_bytes(content)
    edit(folder, lambda data: data["levels"][0].update(sha256=hashlib.sha256(content).hexdigest()))
    with pytest.raises(UserError, match=f"level-0.safetensors has numbers in {name.removesuffix('.scale')} that are"):
        Ladder.load(folder)[0].arrays()


@pytest.fixture(scope="module")
def pruned_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    module = build_separator("conv-tasnet", **SETTINGS["conv-tasnet"])
    module.load_state_dict(random_weights("conv-tasnet"))
    pruned = sepprune.prune(module.eval(), torch.zeros(1, 320), macs=0.6, method="l1", seed=0)
    record = LevelRecord(
        "conv-tasnet", SETTINGS["conv-tasnet"], pruned.plan, pruned.model.state_dict(), {"macs_per_second": 1.0}
    )
    folder = tmp_path_factory.mktemp("pruned") / "ladder"
    write_ladder(folder, "pruned", [record])
    return folder


def test_a_plan_that_was_changed_is_refused(pruned_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(pruned_folder, tmp_path / "ladder"))
    plan = folder / "level-0.plan.json"
    plan.write_text(plan.read_text().replace('"seed":0', '"seed":1'))
    with pytest.raises(UserError, match=r"level-0.plan.json is damaged"):
        Ladder.load(folder).build(0)


def test_an_empty_plan_without_a_hash_is_found_by_the_check(pruned_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(pruned_folder, tmp_path / "ladder"))
    edit(folder, lambda data: data["levels"][0].pop("plan_sha256"))  # as in old ladders
    (folder / "level-0.plan.json").write_bytes(b"")
    with pytest.raises(UserError, match=r"^\S+level-0.plan.json is not valid JSON .*\): copy the ladder again$"):
        Ladder.load(folder)[0].check()


@pytest.mark.parametrize(
    "change",
    [
        {"cuts": [{"tensor": "mask.weight", "dimension": -9, "keep": [0]}]},
        {"cuts": [{"tensor": "mask.weight", "dimension": 0, "keep": [-1]}]},
        {"cuts": [{"tensor": "mask.weight", "dimension": 0, "keep": ["a"]}]},
        {"cuts": [{"tensor": 3, "dimension": 0, "keep": [0]}]},
        {"cuts": 5},
        {"sizes": [{"module": "nowhere", "attribute": "hop", "index": [], "value": 1}]},
        {"sizes": [{"module": "", "attribute": "nothing", "index": [9, 9], "value": 1}]},
        {"sizes": [{"module": "", "attribute": "hop", "index": ["x"], "value": 1}]},
        {"removals": [{"module": "", "bias": None, "dimension": -1}]},
        {"groups": [5]},
        {"budget": 5},
        {"seed": "x"},
    ],
    ids=str,
)
def test_a_plan_that_does_not_fit_is_one_sentence(pruned_folder: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    folder = Path(shutil.copytree(pruned_folder, tmp_path / "ladder"))
    plan = folder / "level-0.plan.json"
    plan.write_text(json.dumps({**json.loads(plan.read_text()), **change}))
    edit(folder, lambda data: data["levels"][0].pop("plan_sha256"))  # as in old ladders, which have no hash of plans
    with pytest.raises(UserError) as error:
        Ladder.load(folder).build(0)
    assert "\n" not in str(error.value)


def test_settings_that_all_levels_share_have_the_defaults_of_the_separators() -> None:
    parameters = inspect.signature(CausalSeparator).parameters
    assert {name: parameters[name].default for name in SHARED} == SHARED


def test_the_digest_of_a_ladder_covers_its_index_weights_and_plans(pruned_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(pruned_folder, tmp_path / "ladder"))
    before = Ladder.load(folder)
    edit(folder, lambda data: data["card"].update(note="other"))
    index = json.loads((pruned_folder / "ladder.json").read_text())
    assert before.digest != Ladder.load(folder).digest
    assert index["levels"][0]["plan_sha256"] == hashlib.sha256((folder / "level-0.plan.json").read_bytes()).hexdigest()


def test_a_ladder_that_is_written_again_replaces_the_old_one_and_keeps_other_files(
    skim_ladder: Ladder, folder: Path
) -> None:
    (folder / "notes.txt").write_text("mine")
    settings = SETTINGS["skim"]
    write_ladder(folder, "new", [LevelRecord("skim", settings, None, random_weights("skim"), {"macs_per_second": 1.0})])
    assert sorted(path.name for path in folder.iterdir()) == ["ladder.json", "level-0.safetensors", "notes.txt"]
