"""Ratios of channels: of the whole model, by layer, and between groups that are alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sepprune.errors import UserError
from sepprune.pruning import Floor, Prepared, analyze, prepare, prune
from sepprune.pruning.ratios import comparable, first_alike
from tests.pruning.small_separators import shake

MIXTURE = torch.randn(2, 1, 30, generator=torch.Generator().manual_seed(0))


class Blocks(nn.Module):
    """Two blocks of the same form, and one that is wider."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv1d(1, 8, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv1d(8, width, 1), nn.PReLU(), nn.Conv1d(width, 8, 1)) for width in (16, 16, 24)
        )
        self.decoder = nn.Conv1d(8, 2, 1)

    def forward(self, mixture: Tensor) -> Tensor:
        x = self.encoder(mixture)
        for block in self.blocks:
            x = x + block(x)
        return self.decoder(x)


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    torch.manual_seed(0)
    module = shake(Blocks())
    with torch.no_grad():
        module.blocks[1][2].weight.mul_(0.1)  # a block that matters less than the first
    return prepare(module, MIXTURE)


def kept(prepared: Prepared, **options: Any) -> dict[str, int]:
    result = prune(prepared, method="l2", floor=Floor(1, 0.0), **options)
    return {group["id"]: group["kept"] for group in result.report["groups"]}


def test_one_ratio_is_a_share_of_all_channels(prepared: Prepared) -> None:
    assert sum(kept(prepared, channels=0.5).values()) == 32


def test_ratios_by_layer_are_kept_in_every_group(prepared: Prepared) -> None:
    shares = {"encoder": 1.0, "blocks.1.*": 0.25, "*": 0.5}
    assert kept(prepared, channels=shares) == {"encoder": 8, "blocks.0.0": 8, "blocks.1.0": 4, "blocks.2.0": 12}


def test_layers_without_a_ratio_stay(prepared: Prepared) -> None:
    found = kept(prepared, channels={"blocks.2.0": 0.5})
    assert found == {"encoder": 8, "blocks.0.0": 16, "blocks.1.0": 16, "blocks.2.0": 12}


def test_ratios_are_rounded_to_multiples(prepared: Prepared) -> None:
    assert kept(prepared, channels={"blocks.*": 0.4}, round_to=8) == {
        "encoder": 8,
        "blocks.0.0": 8,
        "blocks.1.0": 8,
        "blocks.2.0": 8,
    }


def test_the_report_says_where_rounding_changes_what_was_asked_for(prepared: Prepared) -> None:
    shares = {"encoder": 0.5, "blocks.2.*": 0.25, "blocks.*": 0.25}
    report = prune(prepared, channels=shares, round_to=64, method="l2", floor=Floor(1, 0.0)).report
    assert [(item["id"], item["channels"], item["asked"], item["kept"]) for item in report["rounded"]] == [
        ("encoder", 8, 4, 8),
        ("blocks.0.0", 16, 4, 16),
        ("blocks.1.0", 16, 4, 16),
        ("blocks.2.0", 24, 6, 24),
    ]
    assert {item["why"] for item in report["rounded"]} == {"multiples of 64 channels are kept, or all"}


def test_the_report_says_where_the_floor_changes_what_was_asked_for(prepared: Prepared) -> None:
    report = prune(prepared, channels={"*": 0.125}, method="l2", floor=Floor(3, 0.0)).report
    changed = {item["id"]: (item["asked"], item["kept"], item["why"]) for item in report["rounded"]}
    floor = "its floor is 3 channels"
    assert changed == {"encoder": (1, 3, floor), "blocks.0.0": (2, 3, floor), "blocks.1.0": (2, 3, floor)}


def test_shares_that_are_kept_exactly_are_not_reported_as_rounded(prepared: Prepared) -> None:
    assert prune(prepared, channels={"*": 0.5}, round_to=4, method="l2").report["rounded"] == []


def test_no_shares_are_one_sentence(prepared: Prepared) -> None:
    with pytest.raises(UserError, match="channels has no shares: give one for some groups"):
        prune(prepared, channels={}, method="l2")


def test_a_ratio_by_layer_is_part_of_the_plan_as_a_share_of_all_channels(prepared: Prepared) -> None:
    assert prune(prepared, channels={"*": 0.5}, method="l1").plan.budget == {"channels": 0.5}


def test_groups_that_are_compared_by_themselves_keep_one_share(prepared: Prepared) -> None:
    found = kept(prepared, macs=0.4, compare="group")
    shares = [found[group.id] / group.channels for group in prepared.structure.groups]
    assert max(shares) - min(shares) < 1 / 8


def test_groups_that_are_alike_are_compared_with_each_other(prepared: Prepared) -> None:
    assert [prepared.structure.groups[index].id for index in first_alike(prepared.structure)] == [
        "encoder",
        "blocks.0.0",
        "blocks.0.0",
        "blocks.2.0",
    ]
    found = kept(prepared, channels=0.5, compare="alike")
    assert found["encoder"] == 4 and found["blocks.0.0"] + found["blocks.1.0"] == 16 and found["blocks.2.0"] == 12


def test_ranks_keep_the_order_of_the_scores(prepared: Prepared) -> None:
    scores = np.random.default_rng(0).random(64)
    for compare in ("model", "alike", "group"):
        ranks = comparable(prepared.structure, scores, compare)
        for own, ranked in zip(prepared.structure.by_group(scores), prepared.structure.by_group(ranks), strict=True):
            assert np.array_equal(np.argsort(own), np.argsort(ranked))


def test_analysis_names_the_first_group_that_is_alike() -> None:
    groups = {group["id"]: group["alike"] for group in analyze(Blocks(), MIXTURE).groups}
    assert groups["blocks.1.0"] == groups["blocks.0.0"] == "blocks.0.0" and groups["blocks.2.0"] == "blocks.2.0"


def test_layers_of_the_module_itself_are_excluded() -> None:
    module = shake(Blocks())
    groups = [group["id"] for group in analyze(module, MIXTURE, exclude=[module.encoder, module.blocks[0]]).groups]
    assert groups == ["blocks.1.0", "blocks.2.0"]
    assert [group["id"] for group in analyze(module, MIXTURE, include=module.blocks[2][0]).groups] == [
        "encoder",
        "blocks.2.0",
    ]


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("round_to", 0, "round_to is 0: give a whole number of at least 1"),
        ("round_to", 1.5, "round_to is 1.5: give a whole number"),
        ("steps", 0, "steps is 0: give a whole number of at least 1"),
        ("steps", -1, "steps is -1: give a whole number of at least 1"),
        ("seed", "a", "seed is 'a': give a whole number"),
        ("seed", 2**64, "seed is 18446744073709551616: give a whole number, at most 9007199254740992"),
        ("sample_rate", 0, "sample_rate is 0: give a number above 0"),
        ("seconds", "long", "seconds, the length of the example, is 'long': give a number above 0"),
        ("time_dim", None, "time_dim is None: give a whole number"),
        ("floor", 16, r"floor is 16: give a Floor, as in floor=Floor\(channels=16\)"),
    ],
)
def test_an_argument_that_is_no_such_number_is_one_sentence(
    prepared: Prepared, option: str, value: Any, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        prune(prepared, macs=0.5, method="l2", **{option: value})


@pytest.mark.parametrize(
    ("floor", "sentence"),
    [
        ({"channels": -1}, "channels of the floor is -1: give a whole number of at least 0"),
        ({"share": -0.5}, "share of the floor is -0.5: give a number of at least 0"),
        ({"share": 2}, "share of the floor is 2: give a number of at most 1"),
        ({"narrowest": 2.5}, "narrowest of the floor is 2.5: give a whole number"),
    ],
)
def test_a_floor_that_is_no_floor_is_one_sentence(floor: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Floor(**floor)


@pytest.mark.parametrize("exclude", [["blocks.0", "blocks.1"], ["blocks.[01]"]])
def test_the_name_of_a_module_stands_for_all_layers_in_it(exclude: list[str]) -> None:
    assert [group["id"] for group in analyze(shake(Blocks()), MIXTURE, exclude=exclude).groups] == ["blocks.2.0"]


@pytest.mark.parametrize(
    ("option", "patterns", "wrong"),
    [
        ("exclude", ["decodr"], "decodr"),
        ("exclude", ["encoder", "block", "none.*"], r"block none\.\*"),
        ("include", ["encoder", "decodr"], "decodr"),
        ("include", ["blocks.0.1.*"], r"blocks\.0\.1\.\*"),
    ],
)
def test_a_pattern_that_matches_no_layer_is_one_sentence(option: str, patterns: list[str], wrong: str) -> None:
    with pytest.raises(UserError, match=f"no layer of Blocks matches {option} {wrong}: its layers are encoder, "):
        prune(Blocks(), MIXTURE, macs=0.5, method="l2", **{option: patterns})


def test_an_exclusion_that_leaves_no_channels_is_told() -> None:
    with pytest.raises(UserError, match="include and exclude leave no channels of Blocks that can be pruned"):
        prune(Blocks(), MIXTURE, macs=0.5, method="l2", exclude=["*"])


def test_ratios_can_be_given_for_parts_of_the_module(prepared: Prepared) -> None:
    blocks = prepared.module.blocks
    shares = {prepared.module.encoder: 0.5, blocks[1][0]: 0.25, blocks: 0.5}
    assert kept(prepared, channels=shares) == {"encoder": 4, "blocks.0.0": 8, "blocks.1.0": 4, "blocks.2.0": 12}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"channels": {"head": 0.5}}, "no channel group matches head: the groups are encoder"),
        ({"channels": {"*": 0.5, "encoder": 0.7}}, "for encoder has no effect: write it before"),
        ({"channels": {"blocks.1.2": 0.5}}, "the channels of blocks.1.2 are those of the group encoder"),
        ({"channels": {"encoder": 2}}, "the share of channels for encoder is 2"),
        ({"channels": {"encoder": "all"}}, "expected a number"),
        ({"channels": 1.5}, "a budget of 1.5 for channels"),
        ({"macs": "half"}, "the budget macs is 'half', expected a number"),
        ({"channels": {nn.Linear(1, 1): 0.5}}, "Linear is not a part of Blocks"),
        ({"channels": {3: 0.5}}, "3 is int, expected the name of a layer"),
        ({"macs": True}, "the budget macs is True, expected a number"),
        ({"macs": 0.5, "channels": 0.5}, "2 budgets are given"),
        ({"macs": 0.5, "compare": "layer"}, "choose from model, alike, group"),
    ],
)
def test_wrong_ratios_are_one_sentence(prepared: Prepared, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        prune(prepared, method="l2", **options)


def test_a_layer_of_another_module_is_refused() -> None:
    with pytest.raises(UserError, match="Conv1d is not a part of Blocks"):
        analyze(Blocks(), MIXTURE, exclude=[Blocks().encoder])
