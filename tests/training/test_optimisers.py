import copy

import pytest
import torch
from torch import nn

from sepprune.errors import UserError
from sepprune.training.optimisers import METHODS, build_optimisers, freeze
from sepprune.training.settings import OptimiserSettings


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.Linear(8, 2))


def update(module: nn.Module, **settings: object) -> None:
    optimisers = build_optimisers(module, OptimiserSettings(**settings))
    module(torch.ones(3, 6)).square().sum().backward()
    optimisers.step()


@pytest.mark.parametrize("method", METHODS)
def test_an_update_changes_every_parameter_that_has_a_gradient(module: nn.Module, method: str) -> None:
    before = [weight.clone() for weight in module.parameters()]
    update(module, method=method)
    assert not any(torch.equal(*pair) for pair in zip(before, module.parameters(), strict=True))


def test_muon_changes_a_matrix_by_nearly_equal_amounts_in_every_direction(module: nn.Module) -> None:
    torch.manual_seed(1)
    matrix = nn.Linear(16, 16, bias=False)
    before = matrix.weight.clone()
    optimisers = build_optimisers(matrix, OptimiserSettings(method="muon"))
    matrix(torch.randn(64, 16)).square().sum().backward()
    optimisers.step()
    strengths = torch.linalg.svdvals((matrix.weight - before).detach())
    assert strengths.max() < 3 * strengths.min()


@pytest.mark.parametrize("method", METHODS)
def test_frozen_parameters_stay(module: nn.Module, method: str) -> None:
    module[0].requires_grad_(False)
    before = module[0].weight.clone()
    update(module, method=method, weight_decay=0.5)
    assert torch.equal(module[0].weight, before)


@pytest.mark.parametrize("method", METHODS)
def test_a_restored_optimiser_goes_on_as_the_first_would_have(module: nn.Module, method: str) -> None:
    settings = OptimiserSettings(method=method)
    first = build_optimisers(module, settings)
    for _ in range(3):
        first.zero_grad()
        module(torch.ones(3, 6)).square().sum().backward()
        first.step()
    state, weights = copy.deepcopy((first.state_dict(), module.state_dict()))
    first.step()
    expected = [weight.clone() for weight in module.parameters()]
    module.load_state_dict(weights)
    second = build_optimisers(module, settings)
    second.load_state_dict(state)
    second.step()
    assert all(torch.allclose(*pair) for pair in zip(expected, module.parameters(), strict=True))


def test_one_step_size_is_everybodys(module: nn.Module) -> None:
    optimisers = build_optimisers(module, OptimiserSettings(method="muon"))
    optimisers.learning_rate = 0.25
    assert {group["lr"] for part in optimisers.parts for group in part.param_groups} == {0.25}


def test_an_unknown_method_is_answered_with_those_that_there_are(module: nn.Module) -> None:
    with pytest.raises(UserError, match="sgdd.*adam, muon"):
        build_optimisers(module, OptimiserSettings(method="sgdd"))


def test_weights_are_frozen_by_the_beginnings_of_their_names(module: nn.Module) -> None:
    freeze(module, ("0.", "2.bias"))
    assert [name for name, weight in module.named_parameters() if weight.requires_grad] == [
        "1.weight",
        "1.bias",
        "2.weight",
    ]


def test_a_part_to_freeze_that_is_not_there_is_answered_with_those_that_are(module: nn.Module) -> None:
    with pytest.raises(UserError, match="'encodr'.*0, 1, 2"):
        freeze(module, ("encodr",))
