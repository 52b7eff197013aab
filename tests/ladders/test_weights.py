"""The separator that a run starts from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sepprune import prune
from sepprune.errors import UserError
from sepprune.ladders.weights import load_model
from sepprune.separators import build_separator
from sepprune.training.settings import ModelSettings
from tests.ladders.conftest import MODEL


def test_a_pruned_separator_is_built_from_plan_and_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    result = prune(build_separator("skim", **MODEL), macs=0.5, method="l1")
    save_file(result.model.state_dict(), tmp_path / "weights.safetensors")
    result.plan.save(tmp_path / "plan.json")
    built = load_model(ModelSettings("skim", MODEL, str(tmp_path / "weights.safetensors"), str(tmp_path / "plan.json")))
    torch.testing.assert_close(built.state_dict(), result.model.state_dict(), rtol=0, atol=0)


def test_a_grown_separator_starts_as_the_smaller_one(tmp_path: Path) -> None:
    small = build_separator("skim", **MODEL)
    save_file(small.state_dict(), tmp_path / "small.safetensors")
    large = load_model(
        ModelSettings("skim", {**MODEL, "hidden": 32}, str(tmp_path / "small.safetensors"), grown_from=MODEL)
    )
    mixture = torch.randn(1, 1280)
    torch.testing.assert_close(large(mixture)[0], small(mixture)[0])


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (ModelSettings("skimm"), "no separator is called 'skimm'"),
        (ModelSettings("skim", {"depth": 3}), "skim has no setting 'depth'"),
        (ModelSettings("skim", {"hidden": "many"}), r"\[model\] has 'hidden' 'many', expected a whole number"),
        (ModelSettings("skim", {"hidden": 2.5}), r"\[model\] has 'hidden' 2.5, expected a whole number"),
        (ModelSettings("skim", {"hidden": -5}), "^[^\n]+$"),
        (ModelSettings("skim", {"input_level": float("nan")}), "'input_level' nan, expected a whole number"),
        (ModelSettings("skim", {"input_level": ["a", 3]}), "'input_level'"),
        (ModelSettings("skim", {"input_level": [-30, -20, -10]}), "input_level has 3 numbers"),
        (ModelSettings("skim", {"input_level": []}), "input_level has 0 numbers"),
        (ModelSettings("skim", weights="none.safetensors"), "cannot read the weights none.safetensors"),
        (ModelSettings("skim", plan="none.json"), "cannot read none.json"),
    ],
)
def test_what_cannot_be_loaded_is_refused(model: ModelSettings, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        load_model(model)


def test_a_setting_may_be_a_fraction() -> None:
    assert load_model(ModelSettings("tdanet", {"dropout": 0.2})) is not None
