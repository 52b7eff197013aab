import copy

import pytest
import torch
from torch import nn

from sepprune.errors import UserError
from sepprune.training.optimiser import METHODS, Optimiser, freeze, orthogonal
from sepprune.training.processes import Processes
from sepprune.training.settings import OptimiserSettings

RATE = 1e-2


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(12, 12), nn.LayerNorm(12), nn.Linear(12, 12), nn.Linear(12, 3))


def optimiser(module: nn.Module, average: nn.Module | None = None, **settings: object) -> Optimiser:
    average = copy.deepcopy(module).requires_grad_(False) if average is None else average
    return Optimiser(module, average, OptimiserSettings(**settings), Processes())


def backward(module: nn.Module, seed: int) -> None:
    """Leave the gradients of a batch."""
    generator = torch.Generator().manual_seed(seed)
    module.zero_grad()
    (module(torch.randn(16, 12, generator=generator)) - 1).square().mean().backward()


def update(module: nn.Module, chosen: Optimiser, updates: int = 1) -> None:
    for seed in range(updates):
        backward(module, seed)
        chosen.step(torch.tensor(RATE))


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("method", METHODS)
def test_updates_are_those_of_torchs_own_optimisers(
    module: nn.Module, method: str, decay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sepprune.training.optimiser.multiplies_bf16", lambda _: True)  # as torch's Muon always does
    other = copy.deepcopy(module)
    update(module, optimiser(module, method=method, clip=0.5, weight_decay=decay), 4)
    matrices = [weight for weight in other.parameters() if weight.ndim == 2 and method == "muon"]
    rest = [weight for weight in other.parameters() if weight.ndim != 2 or method == "adam"]
    references: list[torch.optim.Optimizer] = [torch.optim.AdamW(rest, lr=RATE, weight_decay=decay)]
    if matrices:
        references.append(torch.optim.Muon(matrices, lr=RATE, weight_decay=decay, adjust_lr_fn="match_rms_adamw"))
    for seed in range(4):
        backward(other, seed)
        nn.utils.clip_grad_norm_(other.parameters(), 0.5)
        for reference in references:
            reference.step()
    for here, there in zip(module.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(here, there, atol=1e-3 if method == "muon" else 1e-5, rtol=0)  # bf16, other order


@pytest.mark.parametrize("method", METHODS)
def test_an_update_changes_every_parameter_that_has_a_gradient(module: nn.Module, method: str) -> None:
    before = [weight.clone() for weight in module.parameters()]
    update(module, optimiser(module, method=method))
    assert not any(torch.equal(*pair) for pair in zip(before, module.parameters(), strict=True))


def test_muon_changes_a_matrix_by_nearly_equal_amounts_in_every_direction() -> None:
    torch.manual_seed(1)
    matrix = nn.Linear(16, 16, bias=False)
    before = matrix.weight.clone()
    chosen = optimiser(matrix, method="muon")
    matrix(torch.randn(64, 16)).square().sum().backward()
    chosen.step(torch.tensor(RATE))
    strengths = torch.linalg.svdvals((matrix.weight - before).detach())
    assert strengths.max() < 3 * strengths.min()


def test_the_average_follows_the_weights_by_its_share(module: nn.Module) -> None:
    average = copy.deepcopy(module).requires_grad_(False)
    before = [weight.clone() for weight in module.parameters()]
    update(module, optimiser(module, average, ema=0.0))
    for now, mean in zip(module.parameters(), average.parameters(), strict=True):
        torch.testing.assert_close(mean, now.detach())
    assert not torch.equal(before[0], average[0].weight)


def test_the_average_follows_faster_at_the_start(module: nn.Module) -> None:
    average = copy.deepcopy(module).requires_grad_(False)
    before = module[0].weight.clone()
    update(module, optimiser(module, average, ema=0.999))
    torch.testing.assert_close(average[0].weight, (before / 11 + module[0].weight.detach() * 10 / 11))


def test_after_some_updates_the_average_follows_by_its_share(module: nn.Module) -> None:
    average = copy.deepcopy(module).requires_grad_(False)
    chosen = optimiser(module, average, ema=0.75)
    update(module, chosen, 40)
    before = average[0].weight.clone()
    update(module, chosen)
    torch.testing.assert_close(average[0].weight, 0.75 * before + 0.25 * module[0].weight.detach())


def test_the_average_copies_counters_of_the_module() -> None:
    module = nn.BatchNorm1d(12)
    average = copy.deepcopy(module).requires_grad_(False)
    update(module, optimiser(module, average), 3)
    assert int(average.num_batches_tracked) == 3


@pytest.mark.parametrize("method", METHODS)
def test_a_gradient_that_is_not_finite_skips_the_update(module: nn.Module, method: str) -> None:
    chosen = optimiser(module, method=method, weight_decay=0.1)
    update(module, chosen)
    weights, state = copy.deepcopy((module.state_dict(), chosen.state_dict()))
    backward(module, 1)
    module[0].weight.grad[0, 0] = torch.nan
    chosen.step(torch.tensor(RATE))
    torch.testing.assert_close(module.state_dict(), weights, rtol=0, atol=0)
    del state["count"]
    torch.testing.assert_close({name: chosen.state_dict()[name] for name in state}, state, rtol=0, atol=0)


def test_weights_without_a_gradient_stay(module: nn.Module) -> None:
    chosen = optimiser(module)
    before = module[0].weight.clone()
    module[3](torch.ones(2, 12)).square().sum().backward()
    chosen.step(torch.tensor(RATE))
    assert torch.equal(module[0].weight, before)


@pytest.mark.parametrize("method", METHODS)
def test_frozen_parameters_stay(module: nn.Module, method: str) -> None:
    module[0].requires_grad_(False)
    before = module[0].weight.clone()
    update(module, optimiser(module, method=method, weight_decay=0.5))
    assert torch.equal(module[0].weight, before)


@pytest.mark.parametrize("method", METHODS)
def test_a_restored_optimiser_continues_like_the_first(module: nn.Module, method: str) -> None:
    first = optimiser(module, method=method)
    update(module, first, 3)
    state, weights = copy.deepcopy((first.state_dict(), module.state_dict()))
    update(module, first)
    expected = [weight.clone() for weight in module.parameters()]
    module.load_state_dict(weights)
    second = optimiser(module, method=method)
    second.load_state_dict(state)
    update(module, second)
    assert all(torch.equal(*pair) for pair in zip(expected, module.parameters(), strict=True))


def test_an_unknown_method_is_answered_with_the_known_ones(module: nn.Module) -> None:
    with pytest.raises(UserError, match="sgdd.*adam, muon"):
        optimiser(module, method="sgdd")


@pytest.mark.parametrize("precision", ["bf17", "BF16", "fp16", ""])
def test_an_unknown_precision_is_answered_with_the_known_ones(module: nn.Module, precision: str) -> None:
    with pytest.raises(UserError, match=f"'{precision}': choose from fp32, bf16"):
        optimiser(module, precision=precision)


def test_weights_are_frozen_by_prefix(module: nn.Module) -> None:
    freeze(module, ("0.", "1", "2.bias"))
    assert [name for name, weight in module.named_parameters() if weight.requires_grad] == [
        "2.weight",
        "3.weight",
        "3.bias",
    ]


def test_a_prefix_that_fits_no_weight_is_answered_with_the_parts(module: nn.Module) -> None:
    with pytest.raises(UserError, match="'encodr'.*0, 1, 2"):
        freeze(module, ("encodr",))


def test_to_freeze_every_weight_is_refused(module: nn.Module) -> None:
    with pytest.raises(UserError, match="no weight is left to learn"):
        freeze(module, ("",))


def test_matrices_are_made_orthogonal_in_fp32_on_a_processor_without_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    assert orthogonal(torch.randn(2, 12, 6)).dtype == torch.float32
