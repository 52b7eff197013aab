import math

import torch
from torch import nn

from sepprune.losses import pit_snr_loss
from sepprune.training.lessons import TeacherOutput, compared_layers, evened, layer_inputs


def gradients(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of very different norms, and mixtures of different levels."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.tensor([100.0, 1.0, 0.01])
    gradient = torch.randn(3, 2, 400, generator=generator) * scale[:, None, None]
    return gradient, torch.randn(3, 400, generator=generator) * torch.tensor([0.01, 0.1, 1.0])[:, None]


def test_evened_gradients_times_their_mixtures_have_one_norm() -> None:
    gradient, mixture = gradients()
    strength = evened(gradient, mixture).flatten(1).norm(dim=1) * mixture.norm(dim=1)
    torch.testing.assert_close(strength, torch.full((3,), 10 / math.log(10) / 3))


def test_evened_gradients_keep_their_direction() -> None:
    gradient, mixture = gradients()
    even = evened(gradient, mixture)
    similarity = torch.cosine_similarity(even.flatten(1), gradient.flatten(1))
    torch.testing.assert_close(similarity, torch.ones(3))


def test_a_mixture_without_gradient_or_sound_has_none_afterwards() -> None:
    gradient, mixture = gradients()
    gradient[0], mixture[1] = 0, 0
    even = evened(gradient, mixture)
    assert not even[:2].any() and even[2].any()


def test_an_even_gradient_does_not_depend_on_the_level_of_the_mixture() -> None:
    """Masks multiply the mixture: the gradient at the mask is what must not change."""
    reference = torch.randn(1, 2, 400, generator=torch.Generator().manual_seed(0))

    def at_mask(level: float) -> torch.Tensor:
        mask = torch.tensor([[0.7], [0.3]], requires_grad=True)
        mixture = level * reference.sum(1)
        estimate = mask * mixture.unsqueeze(1)
        estimate.register_hook(lambda gradient: evened(gradient, mixture))
        pit_snr_loss(estimate, level * reference).backward()
        return mask.grad

    torch.testing.assert_close(at_mask(1.0), at_mask(0.03))


def test_inputs_of_layers_are_collected_inside_the_block_only() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    with layer_inputs(model, ["1"]) as features:
        model(torch.ones(1, 3))
    assert features["1"].shape == (1, 4)
    features.clear()
    model(torch.ones(1, 3))
    assert not features


def test_outputs_of_a_teacher_survive_as_plain_tensors() -> None:
    features = {"b": torch.ones(1), "a": torch.zeros(1)}
    output = TeacherOutput(torch.full((1,), 5.0), features)
    again = TeacherOutput.from_tensors(features, output.tensors)
    assert again == output and set(again.features) == {"a", "b"}


def test_layers_of_several_learners_are_collected_together() -> None:
    class Named:
        def __init__(self, *layers: str) -> None:
            self.layers = layers

        def distance(self, features: object, lesson: object) -> torch.Tensor:
            raise NotImplementedError

    assert compared_layers(Named("a", "b"), None, Named("b", "c")) == {"a", "b", "c"}
    assert compared_layers() == set()
