"""What a separator learns from: references, a teacher's estimates and features, and how a batch is weighted."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Hints(Protocol):
    """Compares layers of a separator with those of its teacher, such as :class:`sepprune.ladders.hints.Hints`."""

    @property
    def layers(self) -> Collection[str]:
        """Names of the layers whose inputs are compared."""

    def distance(self, features: Mapping[str, Tensor], lesson: Mapping[str, Tensor]) -> Tensor:
        """Distance of the separator's layer inputs from the teacher's, a scalar; 0 if they agree."""


@dataclass(frozen=True)
class TeacherOutput:
    """Outputs of a teacher for a batch, without gradient.

    Args:
        estimates: its sources, ``(batch, sources, samples)``, which may be shorter than the mixture.
        features: inputs of its layers, by layer name.
    """

    estimates: Tensor
    features: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors, features in the order of their names."""
        return self.estimates, *(self.features[name] for name in sorted(self.features))

    @classmethod
    def from_tensors(cls, layers: Iterable[str], tensors: Sequence[Tensor]) -> TeacherOutput:
        """The inverse of :attr:`tensors`."""
        return cls(tensors[0], dict(zip(sorted(layers), tensors[1:], strict=True)))


@contextmanager
def layer_inputs(model: nn.Module, layers: Collection[str]) -> Iterator[dict[str, Tensor]]:
    """Inputs of layers of a model, by layer name, collected while the block runs; of several passes, the last."""
    features: dict[str, Tensor] = {}

    def collect(name: str) -> Any:
        return lambda _, inputs: features.__setitem__(name, inputs[0])

    hooks = [model.get_submodule(name).register_forward_pre_hook(collect(name)) for name in layers]
    try:
        yield features
    finally:
        for hook in hooks:
            hook.remove()


def compared_layers(*hints: Hints | None) -> set[str]:
    """Layers of a teacher that at least one of these compares."""
    return {layer for one in hints if one is not None for layer in one.layers}


def evened(gradient: Tensor, mixture: Tensor) -> Tensor:
    """A gradient of the loss at the estimates, scaled for each mixture so that all count equally.

    The loss in dB has a gradient of about ``10 / ln 10 / |error|`` at an estimate. Where one voice speaks, the error
    becomes very small, and that mixture decides the direction of the whole update: the norm of its gradient at the
    weights was 126 to 279, that of a mixture of two voices 14 (median, SkiM). Masks multiply the mixture, so
    the gradient at the weights is about the product of this gradient and the mixture. The product of their norms is
    therefore made the same for all mixtures, ``10 / ln 10 / batch``: that of a mixture whose error is as strong as
    itself. The target is a constant so that several processes, and batches of one mixture, agree on it.

    Shape:
        - gradient: ``(batch, sources, samples)``; mixture: ``(batch, samples)``
    """
    strength = gradient.flatten(1).norm(dim=1) * mixture.norm(dim=1)
    target = 10 / math.log(10) / len(gradient)
    factor = torch.where(strength > 1e-12, target / strength.clamp_min(1e-12), torch.zeros_like(strength))
    return gradient * factor[:, None, None]
