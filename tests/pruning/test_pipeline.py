"""Pruning any separator: the pruned model equals the masked one, and all remaining parameters are inherited."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sepprune.errors import UserError
from sepprune.pruning import METHODS, Floor, PruningPlan, analyze, prepare, prune
from sepprune.pruning.objective import freeze
from sepprune.pruning.proof import prove
from sepprune.pruning.structure import Structure, discover
from sepprune.pruning.surgery import cut, difference
from sepprune.separators import build_separator
from tests.pruning.small_separators import MIXTURE, SEPARATORS, build, shake

CAUSAL = {
    "conv-tasnet": {"bottleneck": 12, "hidden": [16, 12], "blocks": 2},
    "skim": {"features": 12, "hidden": [16, 12], "blocks": 2, "memory": 8, "segment": 6, "consistency": 6},
}


def causal(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    filterbank = {"hop": 8, "window": 16, "analysis_window": 32}
    return shake(build_separator(name, **CAUSAL[name], **filterbank))


def batches(samples: int = 320, sources: int = 2, batch: int = 2):
    generator = torch.Generator().manual_seed(2)
    while True:
        references = 0.1 * torch.randn(batch, sources, samples, generator=generator)
        yield references.sum(1), references


@cache
def structure_of(name: str) -> Structure:
    if name in CAUSAL:
        return prove(discover(freeze(causal(name)), [(0.1 * torch.randn(1, 8 * 15),)]))
    return prove(discover(freeze(build(name)), [(MIXTURE,)]))


@pytest.mark.parametrize("name", [*SEPARATORS, *CAUSAL])
def test_any_channels_of_the_offered_groups_can_be_dropped_exactly(name: str) -> None:
    structure = structure_of(name)
    for seed in range(3):
        random = np.random.default_rng(seed)
        kept = random.random(int(structure.sizes.sum())) < random.uniform(0.2, 0.9)
        kept[np.cumsum(structure.sizes) - 1] = True
        absolute, relative = difference(structure, cut(structure, kept), kept)
        assert relative < 1e-4, (absolute, relative)


@pytest.mark.parametrize("name", [*SEPARATORS, *CAUSAL])
def test_the_labels_alone_find_every_group_that_is_unsafe(name: str) -> None:
    assert [reason for reason in structure_of(name).blocked if reason.op == "surgery"] == []


@pytest.mark.parametrize("name", [name for name in SEPARATORS if name != "convolution across channels"])
def test_half_of_the_multiply_adds_can_be_removed(name: str) -> None:
    result = prune(build(name), MIXTURE, macs=0.5, method="l2", floor=Floor(2))
    assert 0.4 <= result.report["macs_after"] / result.report["macs_before"] <= 0.5


@pytest.mark.parametrize("name", [*SEPARATORS, *CAUSAL])
def test_the_pruned_model_exports_again_and_counts_as_planned(name: str) -> None:
    example = None if name in CAUSAL else MIXTURE
    result = prune(causal(name) if name in CAUSAL else build(name), example, params=0.7, method="random")
    again = analyze(result.model, example)
    assert again.params == result.report["params_after"]
    assert again.macs_per_second == pytest.approx(result.report["macs_after"])


def test_blocked_channels_are_named_and_other_channels_are_pruned() -> None:
    analysis = analyze(build("convolution across channels"), MIXTURE)
    assert any(reason.op == "conv2d" and "network.across" in reason.why for reason in analysis.blocked)
    assert "network.free.0" in [group["id"] for group in analysis.groups]


def test_a_bin_is_dropped_from_encoder_masks_of_both_sources_and_decoder_together() -> None:
    plan = prune(build("global norms and skips"), MIXTURE, macs=0.6, method="l1").plan
    kept = {(cut.tensor, cut.dimension): cut.keep for cut in plan.cuts}
    bins = kept["encoder.weight", 0]
    assert kept["decoder.weight", 0] == bins
    assert kept["masks.weight", 0] == (*bins, *(12 + index for index in bins))


@pytest.mark.parametrize("name", CAUSAL)
@given(data=st.data())
@settings(max_examples=15)
def test_a_pruned_causal_separator_streams_as_it_runs_in_one_piece(name: str, data: st.DataObject) -> None:
    model = pruned_causal(name)
    mixture = torch.randn(1, 8 * 20, generator=torch.Generator().manual_seed(3))
    whole, _ = model(mixture)
    state, position, pieces = None, 0, []
    while position < 20:
        frames = data.draw(st.integers(1, 20 - position))
        piece, state = model(mixture[:, 8 * position : 8 * (position + frames)], state)
        pieces.append(piece)
        position += frames
    assert torch.allclose(torch.cat(pieces, -1), whole, atol=1e-5)


@cache
def pruned_causal(name: str) -> torch.nn.Module:
    return prune(causal(name), macs=0.4, method="l2", floor=Floor(2)).model.eval().requires_grad_(False)


@pytest.mark.parametrize("name", CAUSAL)
def test_initial_state_has_the_pruned_sizes(name: str) -> None:
    model = pruned_causal(name)
    _, state = model(torch.zeros(1, 8 * 20))
    assert [part.shape for part in model.initial_state()] == [part.shape for part in state[:-1]]


def test_sizes_that_only_equal_a_pruned_width_are_unchanged() -> None:
    torch.manual_seed(0)
    model = build_separator("conv-tasnet", bottleneck=16, hidden=16, blocks=1, hop=8, window=16, analysis_window=32)
    pruned = prune(shake(model), macs=0.4, method="l2", floor=Floor(2)).model
    assert (pruned.window, pruned.delay, pruned.network[0].context) == (16, 8, 2)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_uses_its_budget_and_does_not_exceed_it(method: str) -> None:
    report = prune(causal("skim"), macs=0.5, method=method, data=batches(8 * 14), steps=4, floor=Floor(2)).report
    assert 0.46 <= report["macs_after"] / report["macs_before"] <= 0.5


@pytest.mark.parametrize("method", ["sepprune", "taylor", "random"])
def test_a_seed_decides_everything(method: str) -> None:
    plans = [
        prune(causal("conv-tasnet"), macs=0.5, method=method, data=batches(), steps=4, seed=5).plan for _ in range(2)
    ]
    assert plans[0] == plans[1]


@pytest.mark.parametrize("method", ["l2", "hrank"])
def test_a_prepared_module_is_pruned_as_the_module_itself(method: str) -> None:
    prepared = prepare(causal("skim"), batch=next(batches(8 * 14)))
    plans = [
        prune(module, macs=0.5, method=method, data=batches(8 * 14)).plan
        for module in (prepared, prepared, prepare(causal("skim")), causal("skim"))
    ]
    assert all(plan == plans[0] for plan in plans)


def test_threshold_mode_needs_no_budget() -> None:
    report = prune(causal("conv-tasnet"), threshold=0.7, data=batches(), steps=4).report
    assert 0 < report["params_after"] < report["params_before"]


def test_the_dense_output_can_be_the_teacher() -> None:
    losses: list[float] = []
    prune(
        causal("conv-tasnet"),
        macs=0.6,
        data=(mixture for mixture, _ in batches()),
        loss="teacher",
        steps=30,
        progress=lambda step, loss: losses.append(loss),
    )
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


def test_the_callers_module_is_not_changed() -> None:
    module = causal("skim").train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    result = prune(module, macs=0.5, method="l1")
    assert module.training and result.model.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in module.parameters())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_a_plan_makes_the_pruned_model_from_the_class(tmp_path) -> None:
    result = prune(causal("skim"), macs=0.5, method="l2")
    result.plan.save(tmp_path / "plan.json")
    rebuilt = PruningPlan.load(tmp_path / "plan.json").apply(causal("skim"))
    rebuilt.load_state_dict(result.model.state_dict())
    mixture = torch.randn(1, 8 * 20)
    assert torch.equal(rebuilt.eval()(mixture)[0], result.model.eval()(mixture)[0])


def test_groups_can_be_included_and_excluded_by_layer() -> None:
    report = prune(causal("conv-tasnet"), macs=0.9, method="l2", exclude=["encoder"]).report
    assert "encoder" not in [group["id"] for group in report["groups"]]
    groups = analyze(causal("conv-tasnet"), include=["network.*.expand"], exclude=["bottleneck"]).groups
    assert [group["id"] for group in groups] == ["network.0.expand", "network.1.expand"]


def test_kept_channels_can_be_multiples() -> None:
    report = prune(causal("skim"), macs=0.5, method="l2", round_to=4).report
    assert all(group["kept"] % 4 == 0 or group["kept"] == group["channels"] for group in report["groups"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"macs": 0.5, "params": 0.5}, "exactly one"),
        ({}, "exactly one"),
        ({"macs": 0.0001}, "cannot be met"),
        ({"macs": 1.5}, "above 0 and at most 1"),
        ({"macs": 0.5, "method": "best"}, "no pruning method"),
        ({"macs": 0.5, "method": "sepprune"}, "needs data"),
        ({"threshold": 0.7, "method": "l1"}, "needs a budget"),
        ({"macs": 0.5, "method": "taylor", "data": []}, "no batches"),
    ],
)
def test_a_mistake_is_named(arguments: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        prune(causal("conv-tasnet"), **({"method": "l1"} | arguments))


def test_a_module_that_does_not_run_is_named() -> None:
    with pytest.raises(UserError, match="does not run on an example of shape"):
        analyze(build("u-net"), torch.zeros(1, 2, 3, 4))


def test_a_module_that_branches_on_values_is_named() -> None:
    class Branching(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(UserError, match=r"torch\.export cannot follow Branching"):
        analyze(Branching(), MIXTURE)
