"""Pruning in rounds: fine-tuned weights are kept, and plan and report are for the original module."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sepprune.errors import UserError
from sepprune.pruning import Floor, load_pruned, prune, prune_in_rounds
from tests.pruning.small_separators import MIXTURE, build

DENSE = "global norms and skips"


@pytest.mark.parametrize("budget", [{"macs": 0.4}, {"params": 0.5}, {"channels": 0.5}, {"channels": {"*": 0.5}}])
def test_the_last_round_meets_the_budget(budget: Mapping[str, float]) -> None:
    kind = next(iter(budget))
    shares = []
    for result in prune_in_rounds(build(DENSE), MIXTURE, rounds=2, method="l2", floor=Floor(2), **budget):
        groups = result.report["groups"]
        shares.append(
            sum(group["kept"] for group in groups) / sum(group["channels"] for group in groups)
            if kind == "channels"
            else result.report[f"{kind}_after"] / result.report[f"{kind}_before"]
        )
    wanted = 0.5 if kind == "channels" else budget[kind]
    assert shares[0] > shares[1] and shares[1] == pytest.approx(wanted, abs=0.06)
    assert result.report["round"] == 2


def test_training_between_rounds_is_kept_and_the_plan_cuts_the_original() -> None:
    dense = build(DENSE)
    results = prune_in_rounds(dense, MIXTURE, rounds=2, macs=0.5, method="l2", floor=Floor(2))
    for result in results:
        with torch.no_grad():
            result.model.decoder.weight.add_(1.0)
    kept = {(cut.tensor, cut.dimension): list(cut.keep) for cut in result.plan.cuts}["decoder.weight", 0]
    assert torch.allclose(result.model.decoder.weight, dense.decoder.weight[kept] + 2)
    again = result.plan.apply(dense)
    assert {name: value.shape for name, value in again.state_dict().items()} == {
        name: value.shape for name, value in result.model.state_dict().items()
    }


def test_batches_of_a_generator_continue_from_round_to_round() -> None:
    references = torch.randn(2, 2, MIXTURE.shape[-1])
    seen: list[int] = []

    def batches():
        for number in range(40):
            seen.append(number)
            yield references.sum(1), references

    for _ in prune_in_rounds(build(DENSE), MIXTURE, rounds=2, macs=0.6, steps=2, data=batches()):
        pass
    assert seen == list(range(len(seen)))


def test_a_result_is_loaded_in_one_line(tmp_path: Path) -> None:
    result = prune(build(DENSE), MIXTURE, macs=0.5, method="l2", floor=Floor(2))
    with torch.no_grad():
        result.model.decoder.weight.add_(1.0)
    result.save(tmp_path)
    loaded = load_pruned(tmp_path, build(DENSE))
    assert torch.equal(loaded.eval()(MIXTURE), result.model.eval()(MIXTURE))


class TiedAndWindowed(nn.Module):
    """Two layers of one weight, and buffers that are parts of larger tensors, one of them of the other."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.layer = nn.Conv1d(1, 8, 3, padding=1), nn.Conv1d(8, 8, 1)
        self.again, self.last = nn.Conv1d(8, 8, 1), nn.Conv1d(8, 2, 1)
        self.again.weight = self.layer.weight
        self.register_buffer("window", torch.hann_window(64))  # a view of 65 values
        self.register_buffer("rise", self.window[:32])

    def forward(self, mixture: Tensor) -> Tensor:
        return self.last(self.again(self.layer(self.first(mixture)).relu())) * self.window.sum() + self.rise.sum()


def test_views_and_tied_weights_are_saved_and_loaded(tmp_path: Path) -> None:
    mixture = torch.randn(2, 1, 40)
    result = prune(TiedAndWindowed(), mixture, params=0.7, method="l2", floor=Floor(2))
    with torch.no_grad():
        result.model.layer.weight.add_(1.0)
    result.save(tmp_path)
    loaded = load_pruned(tmp_path, TiedAndWindowed())
    assert torch.equal(loaded(mixture), result.model(mixture))
    assert loaded.again.weight is loaded.layer.weight and loaded.layer.weight.shape == result.model.layer.weight.shape


def test_loading_into_another_class_or_without_files_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*plan\.json"):
        load_pruned(tmp_path, build(DENSE))
    prune(build(DENSE), MIXTURE, macs=0.5, method="l2", floor=Floor(2)).save(tmp_path)
    with pytest.raises(UserError, match="apply it to the class and settings"):
        load_pruned(tmp_path, nn.Linear(2, 2))


def test_weights_that_are_missing_or_damaged_are_one_sentence(tmp_path: Path) -> None:
    prune(build(DENSE), MIXTURE, macs=0.5, method="l2", floor=Floor(2)).save(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError, match="the weights .* cannot be loaded into"):
        load_pruned(tmp_path, build(DENSE))
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(UserError, match="the weights .* cannot be loaded into"):
        load_pruned(tmp_path, build(DENSE))


@pytest.mark.parametrize("rounds", [0, -1, 1.5, "2", True])
def test_a_wrong_number_of_rounds_is_one_sentence_at_the_call(rounds: Any) -> None:
    with pytest.raises(UserError, match="rounds is .*: give a whole number of at least 1"):
        prune_in_rounds(build(DENSE), MIXTURE, rounds=rounds, macs=0.5, method="l2")


@pytest.mark.parametrize("budget", [{}, {"macs": 1.5}, {"macs": 0.5, "params": 0.5}, {"channels": {"none": "all"}}])
def test_a_wrong_budget_is_one_sentence_at_the_call(budget: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="budget|expected a number"):
        prune_in_rounds(build(DENSE), MIXTURE, method="l2", **budget)


def test_a_file_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    result = prune(build(DENSE), MIXTURE, macs=0.5, method="l2", floor=Floor(2))
    with pytest.raises(UserError, match="taken: it is a file, give the name of a folder"):
        result.save(tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize(("module", "sentence"), [("Small", "'Small' is str"), (nn.Linear, "Linear is a class")])
def test_loading_into_what_is_no_module_is_one_sentence(tmp_path: Path, module: Any, sentence: str) -> None:
    prune(build(DENSE), MIXTURE, macs=0.5, method="l2", floor=Floor(2)).save(tmp_path)
    with pytest.raises(UserError, match=f"{sentence}, expected a torch.nn.Module"):
        load_pruned(tmp_path, module)
