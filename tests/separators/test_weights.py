"""Weight files of every origin load through one function."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import nn

from sepprune.cli import main
from sepprune.errors import UserError
from sepprune.resources import asset
from sepprune.rounding import rounded, widened
from sepprune.separators.weights import load_weights
from sepprune.streaming import Ladder


def test_weights_of_a_run_load_as_they_were_saved(tmp_path: Path) -> None:
    saved, fresh = nn.Linear(4, 3), nn.Linear(4, 3)
    save_file(saved.state_dict(), tmp_path / "run.safetensors")
    load_weights(fresh, tmp_path / "run.safetensors")
    torch.testing.assert_close(fresh.state_dict(), saved.state_dict(), rtol=0, atol=0)


def test_rounded_weights_of_a_ladder_are_widened(tmp_path: Path) -> None:
    saved, fresh = nn.Linear(4, 3), nn.Linear(4, 3)
    stored = rounded(saved.state_dict())
    save_file(stored, tmp_path / "level.safetensors")
    load_weights(fresh, tmp_path / "level.safetensors")
    torch.testing.assert_close(dict(fresh.state_dict()), widened(stored), rtol=0, atol=0)


def test_a_shared_tensor_is_stored_under_one_name_only(tmp_path: Path) -> None:
    def tied() -> nn.Module:
        layers = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        layers[1].weight = layers[0].weight
        return layers

    saved, fresh = tied(), tied()
    save_model(saved, str(tmp_path / "tied.safetensors"))
    load_weights(fresh, tmp_path / "tied.safetensors")
    torch.testing.assert_close(fresh.state_dict(), saved.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    save_file({"weight": torch.full((3, 4), value), "bias": torch.zeros(3)}, tmp_path / "run.safetensors")
    with pytest.raises(UserError, match="run.safetensors have numbers in weight that are infinite or NaN"):
        load_weights(nn.Linear(4, 3), tmp_path / "run.safetensors")


def test_buffers_may_be_infinite_such_as_masks_of_attention(tmp_path: Path) -> None:
    module = nn.Linear(4, 3)
    module.register_buffer("mask", torch.full((2,), -torch.inf))
    save_file(module.state_dict(), tmp_path / "run.safetensors")
    load_weights(module, tmp_path / "run.safetensors")


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        ({"weight": torch.zeros(3, 4)}, "the file lacks bias; give the settings"),
        ({}, "the file lacks bias and 1 more"),
        ({"weight": torch.zeros(3, 4), "bias": torch.zeros(3), "gain": torch.zeros(1)}, "the module has no gain"),
        ({"weight": torch.zeros(3, 5), "bias": torch.zeros(3)}, "size mismatch for weight"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, stored: dict[str, torch.Tensor], sentence: str) -> None:
    save_file(stored, tmp_path / "other.safetensors")
    with pytest.raises(UserError, match=f"do not fit Linear: .*{sentence}"):
        load_weights(nn.Linear(4, 3), tmp_path / "other.safetensors")


def test_a_file_that_is_no_weights_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no weights")
    for name in ("absent.safetensors", "notes.txt"):
        with pytest.raises(UserError, match="cannot read the weights"):
            load_weights(nn.Linear(4, 3), tmp_path / name)


def test_prune_takes_the_weights_of_the_bundled_dense_level(tmp_path: Path) -> None:
    settings = Ladder.load().levels[0].settings
    numbers = {name: value if isinstance(value, list) else [value] for name, value in settings.items()}
    model = "skim:" + ",".join(f"{name}={'/'.join(map(str, values))}" for name, values in numbers.items())
    weights = asset("ladder") / "level-0.safetensors"
    out, report = tmp_path / "out", tmp_path / "report.json"
    arguments = ["--weights", str(weights), "--method", "l1", "--macs", "0.5", "--out", str(out), "--json", str(report)]
    assert main(["prune", model, *arguments]) == 0
    result = json.loads(report.read_text())
    assert result["macs_after"] <= 0.5 * result["macs_before"] and result["params_before"] == 4434890
    assert (out / "model.safetensors").is_file()
