import copy

import pytest
import torch
from torch import nn

from sepprune.training.device_optimiser import DeviceOptimiser
from sepprune.training.optimisers import build_optimisers
from sepprune.training.settings import OptimiserSettings


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(12, 12), nn.LayerNorm(12), nn.Linear(12, 12), nn.Linear(12, 3))


def optimiser(module: nn.Module, average: nn.Module | None = None, **settings: object) -> DeviceOptimiser:
    made = DeviceOptimiser(module, average or copy.deepcopy(module), OptimiserSettings(method="muon", **settings))
    made.learning_rate.fill_(1e-2)
    return made


def gradients(module: nn.Module, seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    loss = (module(torch.randn(16, 12, generator=generator)) - 1).square().mean()
    return list(torch.autograd.grad(loss, list(module.parameters())))


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_updates_are_those_of_the_optimisers_on_the_processor(module: nn.Module, decay: float) -> None:
    other, device = copy.deepcopy(module), optimiser(module, clip=0.5, weight_decay=decay)
    reference = build_optimisers(other, OptimiserSettings(method="muon", learning_rate=1e-2, weight_decay=decay))
    for seed in range(4):
        device.step(gradients(module, seed))
        for weight, gradient in zip(other.parameters(), gradients(other, seed), strict=True):
            weight.grad = gradient
        nn.utils.clip_grad_norm_(other.parameters(), 0.5)
        reference.step()
    for here, there in zip(module.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(here, there, atol=1e-3, rtol=0)  # products of bf16 in another order


def test_the_average_follows_the_weights_by_its_share(module: nn.Module) -> None:
    average = copy.deepcopy(module)
    before = [weight.clone() for weight in module.parameters()]
    optimiser(module, average, ema=0.75).step(gradients(module, 0))
    for start, now, mean in zip(before, module.parameters(), average.parameters(), strict=True):
        torch.testing.assert_close(mean, 0.75 * start + 0.25 * now)


def test_gradients_that_are_not_finite_leave_the_weights_alone(module: nn.Module) -> None:
    before = [weight.clone() for weight in module.parameters()]
    optimiser(module).step([torch.full_like(weight, torch.nan) for weight in module.parameters()])
    assert all(torch.equal(*pair) for pair in zip(before, module.parameters(), strict=True))


def test_frozen_weights_are_not_asked_for(module: nn.Module) -> None:
    module[0].requires_grad_(False)
    assert len(optimiser(module).parameters) == len(list(module.parameters())) - 2
